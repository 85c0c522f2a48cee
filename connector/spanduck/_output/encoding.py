"""SQL values as the text formats write them; DuckDB converts, not Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from duckdb import (
    CaseExpression,
    ConstantExpression,
    FunctionExpression,
    SQLExpression,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from duckdb import DuckDBPyRelation, Expression

_ISO_8601: Final = "%Y-%m-%dT%H:%M:%S.%f"
_TIMESTAMPS: Final = frozenset({"timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns"})
_ZONED: Final = "timestamp with time zone"
_FLOATING: Final = frozenset({"float", "double"})
_NESTED: Final = frozenset({"list", "array", "struct", "map", "union"})
# What a CSV writer renders by itself; everything else is cast to text by DuckDB.
_PLAIN: Final = frozenset(
    {"boolean", "tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger"}
    | {"ubigint", "float", "double", "varchar", "date"}
)


def _column(position: int) -> Expression:
    # By position: names may repeat.
    return SQLExpression(f"#{position + 1}")


def _is_json(dtype: object) -> bool:
    # JSON is VARCHAR by id and an alias by name.
    return str(dtype) == "JSON"


def _iso_8601(column: Expression, kind: str) -> Expression:
    """Times with a zone in UTC with a `Z`, others without; infinite ones as DuckDB writes them."""
    naive = column
    if kind == _ZONED:
        # By way of microseconds: strftime would write the time of the session's zone.
        naive = FunctionExpression("make_timestamp", FunctionExpression("epoch_us", column))
    mark = ConstantExpression(_ISO_8601 + ("Z" if kind == _ZONED else ""))
    text = FunctionExpression("strftime", naive, mark)
    finite = FunctionExpression("isfinite", column)
    return CaseExpression(finite, text).otherwise(column.cast("VARCHAR"))


def csv_rows(relation: DuckDBPyRelation) -> DuckDBPyRelation:
    """Convert what CSV has no notation for: times to ISO 8601, nested values to JSON text."""
    columns = []
    for position, (name, dtype) in enumerate(zip(relation.columns, relation.types, strict=True)):
        column = _column(position)
        if dtype.id in _TIMESTAMPS or dtype.id == _ZONED:
            column = _iso_8601(column, dtype.id)
        elif dtype.id in _NESTED:
            column = FunctionExpression("to_json", column).cast("VARCHAR")
        elif dtype.id not in _PLAIN or _is_json(dtype):
            column = column.cast("VARCHAR")
        columns.append(column.alias(name))
    return relation.project(*columns)


def json_rows(relation: DuckDBPyRelation) -> DuckDBPyRelation:
    """Turn each row into one JSON object, a text column of its own.

    JSON columns become real JSON, times ISO 8601, a DOUBLE that is no number null (JSON has no
    notation for it). A name that repeats gets `_1`, `_2`.
    """
    fields = []
    for position, (name, dtype) in enumerate(
        zip(_distinct(relation.columns), relation.types, strict=True)
    ):
        column = _column(position)
        if dtype.id in _TIMESTAMPS or dtype.id == _ZONED:
            column = _iso_8601(column, dtype.id)
        elif dtype.id in _FLOATING:
            column = CaseExpression(FunctionExpression("isfinite", column), column)
        fields.append(column.alias(name))
    record = FunctionExpression("to_json", FunctionExpression("struct_pack", *fields))
    return relation.project(record.cast("VARCHAR").alias("record"))


def _distinct(names: Iterable[str]) -> list[str]:
    distinct: dict[str, str] = {}
    for name in names:
        candidate, number = name, 0
        # Without regard to case: the fields of a struct are told apart that way.
        while candidate.lower() in distinct:
            number += 1
            candidate = f"{name}_{number}"
        distinct[candidate.lower()] = candidate
    return list(distinct.values())
