"""The formats that rows are written in. Apart from the writers, which take long to import."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path


class FileFormat(StrEnum):
    """What a file of spans is."""

    parquet = "parquet"
    arrow = "arrow"
    csv = "csv"
    json = "json"
    ndjson = "ndjson"

    @classmethod
    def of_file(cls, path: Path) -> FileFormat | None:
        """The format that a file's name tells, if any; one of a packed text file too."""
        suffixes = [suffix.lower() for suffix in path.suffixes]
        if suffixes[-1:] in ([".gz"], [".zst"]):
            suffixes.pop()
        name = suffixes[-1].removeprefix(".") if suffixes else ""
        return _FORMAT_BY_SUFFIX.get(name)


_FORMAT_BY_SUFFIX: Final = {
    **{str(fmt): fmt for fmt in FileFormat},
    "pq": FileFormat.parquet,
    "arrows": FileFormat.arrow,
    "ipc": FileFormat.arrow,
    "feather": FileFormat.arrow,
    "tsv": FileFormat.csv,
    "jsonl": FileFormat.ndjson,
}


class ListFormat(StrEnum):
    """How a list of spans is written; `json` and `ndjson` as in `Format`."""

    table = "table"
    csv = "csv"
    json = "json"
    ndjson = "ndjson"


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
    """How what was found is told: to a person, or to a program."""

    text = "text"
    json = "json"


class SummaryFormat(StrEnum):
    """How what came of several things is told: to a person, or to a program."""

    table = "table"
    json = "json"
