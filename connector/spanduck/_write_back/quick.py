"""The quick numbers of a model's values, worked out by the engine while it reads the model.

They are those of the private database, see its schema, for a fifth of what they cost there: the
values need not come in again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spanduck._write_back.kinds import METADATA_KIND, SPAN
from spanduck._write_back.values import QUICK_SCHEMA

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

    from spanduck._write_back.model_columns import ModelColumn, ValueSource
    from spanduck._write_back.shape import Shape


def with_quick_numbers(query: DuckDBPyRelation, shape: Shape) -> DuckDBPyRelation | None:
    """Add (quick_key, quick_value) of each source of values, after the columns that are there.

    None where a column is of a type that becomes text or a number elsewhere, or shares its name
    with another.
    """
    names = {name.casefold() for name in query.columns}
    if len(names) < len(query.columns) or not _is_plain(shape):
        return None
    numbers = ", ".join(
        f"{number} AS {name}_{place}"
        for place, source in enumerate(shape.sources)
        for number, name in zip(_numbers(shape, source), QUICK_SCHEMA.names, strict=True)
    )
    # One text: a thousand columns as expressions take seconds to bind.
    return query.project(f"*, {numbers}")


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


def _numbers(shape: Shape, source: ValueSource) -> tuple[str, str]:
    level = (
        _constant(source.level)
        if source.level is not None
        else f"coalesce({_text(source.level_column)}, {_constant(SPAN)})"
    )
    name = _constant(source.name) if source.name is not None else _text(source.name_column)
    key = _hash(_text(shape.span_id), level, name)
    label, body = (_text(source.fields.get(field)) for field in ("label", shape.kind.body))
    return key, _hash(label, _cast(source.fields.get("score"), "DOUBLE"), body)


def _hash(*fields: str) -> str:
    # Named in full, for a session may have a macro of that name.
    return f"system.main.hash({', '.join(fields)})"


def _text(column: ModelColumn | None) -> str:
    return _cast(column, "VARCHAR")


def _cast(column: ModelColumn | None, type_name: str) -> str:
    # By position, whatever the name is.
    return f"CAST({'NULL' if column is None else f'#{column.position + 1}'} AS {type_name})"


def _constant(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
