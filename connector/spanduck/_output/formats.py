"""The formats that rows are written in. Apart from the writers, which take long to import."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Format(StrEnum):
    """How rows are written.

    `json` is one array with an object on each line; `ndjson` the same lines without the array.
    """

    table = "table"
    csv = "csv"
    json = "json"
    ndjson = "ndjson"
    arrow = "arrow"
    parquet = "parquet"

    @property
    def is_binary(self) -> bool:
        """Whether a terminal cannot show it."""
        return self in (Format.arrow, Format.parquet)

    @classmethod
    def of_file(cls, path: Path) -> Format | None:
        """The format that a file's name asks for, if any."""
        name = path.suffix.removeprefix(".")
        names = [str(fmt) for fmt in cls if fmt is not cls.table]
        return cls(name) if name in names else None


class TextFormat(StrEnum):
    """How what is found out is told: to a person, or to a program."""

    text = "text"
    json = "json"
