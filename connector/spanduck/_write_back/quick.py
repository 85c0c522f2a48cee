"""The quick numbers of a model's values, worked out by the engine while it reads the model.

They are those of the private database, see its schema, for a fifth of what they cost there: the
values need not come in again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from duckdb import CoalesceOperator, ColumnExpression, ConstantExpression, FunctionExpression
from duckdb import StarExpression as Star
from duckdb.sqltypes import DOUBLE, VARCHAR

from spanduck._write_back.kinds import METADATA_KIND

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation, Expression

    from spanduck._write_back.model_columns import ModelColumn, ValueSource
    from spanduck._write_back.shape import Shape

_SPAN: Final = "span"


def with_quick_numbers(query: DuckDBPyRelation, shape: Shape) -> DuckDBPyRelation | None:
    """Add (quick_key, quick_value) of each source of values, after the columns that are there.

    None where a column is of a type that becomes text or a number elsewhere, or shares its name
    with another.
    """
    names = {name.casefold() for name in query.columns}
    if len(names) < len(query.columns) or not _is_plain(shape):
        return None
    numbers = [number for source in shape.sources for number in _numbers(shape, source)]
    return query.select(Star(), *numbers)


def _is_plain(shape: Shape) -> bool:
    if shape.key is not None or shape.kind is METADATA_KIND:
        return False
    texts = [shape.span_id]
    for source in shape.sources:
        texts += [of for of in (source.level_column, source.name_column) if of is not None]
        for field, of in source.fields.items():
            if field != "score":
                texts.append(of)
            elif of.type_name not in _EXACT_TYPES:
                return False
    return all(of.is_text for of in texts)


_EXACT_TYPES: Final = frozenset(
    {
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"),
        *("UBIGINT", "FLOAT", "DOUBLE", "BOOLEAN"),
    }
)
"""Of numbers: here and in Arrow they become the same double."""


def _numbers(shape: Shape, source: ValueSource) -> tuple[Expression, Expression]:
    level = (
        ConstantExpression(source.level)
        if source.level is not None
        else CoalesceOperator(_text(source.level_column), ConstantExpression(_SPAN))
    )
    name = ConstantExpression(source.name) if source.name is not None else _text(source.name_column)
    score = source.fields.get("score")
    number = ConstantExpression(None) if score is None else ColumnExpression(score.name)
    key = FunctionExpression("hash", _text(shape.span_id), level, name)
    value = FunctionExpression(
        "hash",
        _text(source.fields.get("label")),
        number.cast(DOUBLE),
        _text(source.fields.get(shape.kind.body)),
    )
    at = shape.sources.index(source)
    return key.alias(f"spanduck_quick_key_{at}"), value.alias(f"spanduck_quick_value_{at}")


def _text(column: ModelColumn | None) -> Expression:
    of = ConstantExpression(None) if column is None else ColumnExpression(column.name)
    return of.cast(VARCHAR)
