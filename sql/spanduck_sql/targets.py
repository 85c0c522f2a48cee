"""Columns as a filter may name them: the field, what it takes, and what the service holds there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa

from spanduck_sql.language.columns import StoredKind, stored_kind
from spanduck_sql.language.fields import FieldType, canonical_name, field_type
from spanduck_sql.language.printer import is_sendable_name
from spanduck_sql.plan import wire_name
from spanduck_sql.schema import CORE_TYPES, END_TIME, LATENCY_MS, START_TIME

Pushing = Literal["standard", "conservative"]
"""How much is assumed of the service. Conservative: it may ignore the case of texts, take an empty
text for none, and store NaN."""

GENERATED_MARK: Final = "/* pushed by spanduck */"
"""Stands before what spanduck wrote, in a text that also holds what the user wrote."""

NAN_FIELD_KEY: Final = b"spanduck.nan"
"""Field metadata, on the wire and in a declared schema: whether a NaN may be stored."""
NAN_STORED: Final = b"stored"

WIRE_KIND_KEY: Final = b"spanduck.wire_kind"
"""Field metadata of a declared schema: what the service holds, where SQL has another kind."""

_NUMBERS: Final = frozenset({StoredKind.INTEGER, StoredKind.DOUBLE})

TIMES_OF_SPANS: Final = frozenset({START_TIME, END_TIME})

NO_TIMES: Final = "times travel as the window, which bounds start_time, and not in the filter"
NO_JSON: Final = "JSON columns are rewritten on the way in"
_TIMESTAMP: Final = "how the service reads times in a filter is not documented"
_BOOLEAN: Final = "booleans in a filter are not documented by the service"
_CONVERTED: Final = "the service holds values of another type than the column has in SQL"
_TEXT_FIELDS: Final = frozenset({FieldType.STRING, FieldType.ANY})
_NUMBER_FIELDS: Final = frozenset({FieldType.NUMBER, FieldType.ANY})


@dataclass(frozen=True)
class Target:
    """A column that may be named in a filter.

    Attributes:
        name: The field's canonical name.
        type: What the field takes.
        kind: What the column is in SQL.
        has_wire_values: Whether the service holds what SQL shows.
        may_be_nan: Whether a NaN may be stored.
        reads_nan_as_null: Whether SQL shows NULL for it.
        is_exact: Whether the service reads the field from this very column, and no other.
    """

    name: str
    type: FieldType
    kind: StoredKind
    has_wire_values: bool
    may_be_nan: bool
    reads_nan_as_null: bool
    is_exact: bool


class Targets:
    """The columns of a declared schema as targets, each looked up once.

    Args:
        schema: SQL names and types; metadata says what differs on the wire.
        mode: What is assumed of the service.
    """

    def __init__(self, schema: pa.Schema, mode: Pushing) -> None:
        self._schema = schema
        self._is_conservative = mode == "conservative"
        self._target_by_column: dict[str, Target | str] = {}

    def find(self, column: str) -> Target | str:
        """Return the target that is `column` in SQL, or in a sentence why there is none."""
        if column not in self._target_by_column:
            self._target_by_column[column] = self._find(column)
        return self._target_by_column[column]

    def valued(self, column: str) -> Target | str:
        """Return the target of a comparison with a value, or why there is none."""
        target = self.find(column)
        if isinstance(target, str):
            return target
        if target.name in TIMES_OF_SPANS:
            return NO_TIMES
        match target.kind:
            case StoredKind.JSON:
                return NO_JSON
            case StoredKind.BOOLEAN:
                return _BOOLEAN
            case StoredKind.TIMESTAMP:
                return _TIMESTAMP
            case StoredKind.TEXT:
                allowed, kind = _TEXT_FIELDS, "text"
            case StoredKind.INTEGER | StoredKind.DOUBLE:
                allowed, kind = _NUMBER_FIELDS, "number"
            case _:
                return "values of this type cannot be written in a filter"
        if not target.has_wire_values:
            return _CONVERTED
        if target.type not in allowed:
            return f"the service takes a {target.type} for this field, and the column is a {kind}"
        return target

    def _find(self, column: str) -> Target | str:
        index = self._schema.get_field_index(column)
        if index < 0:
            return "it is no column of the spans"
        field = self._schema.field(index)
        name = wire_name(field)
        type_ = field_type(name)
        if not is_sendable_name(name) or GENERATED_MARK in name:
            return "the column's name cannot be written in a filter with certainty"
        if type_ is None:
            return "the filter language has no field of the column's name"
        metadata = field.metadata or {}
        kind = StoredKind.OTHER if pa.types.is_decimal(field.type) else stored_kind(field.type)
        wire_kind: str = metadata.get(WIRE_KIND_KEY, kind.encode()).decode()
        is_double = wire_kind == StoredKind.DOUBLE and name != LATENCY_MS
        return Target(
            name=name,
            type=type_,
            kind=kind,
            has_wire_values=wire_kind == kind or {wire_kind, kind} <= _NUMBERS,
            may_be_nan=is_double and (self._is_conservative or NAN_FIELD_KEY in metadata),
            reads_nan_as_null=kind is StoredKind.INTEGER,
            is_exact=name not in CORE_TYPES or not self._is_shadowed(name, column),
        )

    # A core column is declared whether or not it is stored. If it is not, the service may find the
    # field under another of its names, or inside a document.
    def _is_shadowed(self, name: str, column: str) -> bool:
        others = (wire_name(item) for item in self._schema if item.name != column)
        return any(
            canonical_name(other) == name or name.startswith(f"{other}.") for other in others
        )
