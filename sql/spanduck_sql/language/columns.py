"""What a project has stored: the columns that a filter's fields are read from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import pyarrow as pa

from spanduck_sql.plan import wire_name
from spanduck_sql.schema import JSON_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping


class StoredKind(StrEnum):
    """What the values of a column are."""

    TEXT = "text"
    INTEGER = "integer"
    DOUBLE = "double"
    """Also a decimal."""
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    """With a zone, in microseconds."""
    JSON = "json"
    """JSON documents as text; a text that is none is possible."""
    LIST = "list"
    """Of texts, each of which may be a JSON document."""
    MAP = "map"
    """From text to text."""
    OTHER = "other"
    """Anything: whatever reads it converts it to text first."""


@dataclass(frozen=True)
class Column:
    """A stored column.

    Attributes:
        name: The service's exact name.
        kind: What its values are.
        sql_name: What it is called in SQL, where names that differ only by case are one.
    """

    name: str
    kind: StoredKind
    sql_name: str = ""

    def __post_init__(self) -> None:
        if not self.sql_name:
            object.__setattr__(self, "sql_name", self.name)


def columns_of_schema(schema: pa.Schema) -> Mapping[str, Column]:
    """Return the columns of a declared schema; see `plan.WIRE_NAME_KEY` for their exact names."""
    return {
        wire_name(item): Column(wire_name(item), stored_kind(item.type), item.name)
        for item in schema
    }


def stored_kind(kind: pa.DataType) -> StoredKind:
    """Return what a column of an Arrow type holds."""
    types = pa.types
    if kind == JSON_TYPE:
        return StoredKind.JSON
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return StoredKind.TEXT
    if types.is_boolean(kind):
        return StoredKind.BOOLEAN
    if types.is_integer(kind):
        return StoredKind.INTEGER
    if types.is_floating(kind) or types.is_decimal(kind):
        return StoredKind.DOUBLE
    if types.is_timestamp(kind) and kind.tz is not None:
        return StoredKind.TIMESTAMP
    if types.is_map(kind):
        return StoredKind.MAP
    if types.is_list(kind) or types.is_large_list(kind):
        return StoredKind.LIST
    return StoredKind.OTHER
