"""A batch of the model's rows as a table of metadata values: JSON texts, made by kernels alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spanduck._write.arrays import constant, texts, to_arrow
from spanduck._write_back.kinds import METADATA_PREFIX, PATCH
from spanduck._write_back.model_columns import ModelColumn, type_problem
from spanduck._write_back.values import VALUE_SCHEMA, Problems, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanduck._write_back.shape import Shape

    ToJson = Callable[[list[pa.Array]], list[pa.Array]]

_NULL: Final = "null"
_JSON_TYPE: Final = "JSON"


def documents_of(
    batch: pa.RecordBatch, shape: Shape, *, first_row: int, to_json: ToJson
) -> pa.Table:
    """Return the metadata values of a batch of model rows.

    Args:
        batch: Rows of the model.
        shape: How they become values.
        first_row: The number of the batch's first row.
        to_json: Writes columns of any type as JSON texts; NULL stays NULL.

    Returns:
        A table of `VALUE_SCHEMA` in the order of the rows. `body` is the JSON text of a key's value
        in a long model, with the key as `name`; else a JSON object of keys, and `name` is null.
        Rows that say nothing are left out.
    """
    (source,) = shape.sources
    rows = to_arrow(np.arange(first_row, first_row + len(batch), dtype=np.int64))
    problems = Problems(len(batch))
    span_ids = _text("span_id", batch, shape.span_id, problems, is_any=shape.key is not None)
    names = pa.nulls(len(batch), pa.string())
    if source.name_column is not None:
        names = _text("key", batch, source.name_column, problems)
        (cells,) = _cells(batch, [source.fields["value"]], to_json)
        bodies = _filled(cells) if shape.written_nulls else cells
    elif set(source.fields) == {PATCH}:
        column = source.fields[PATCH]
        if column.is_text:
            bodies = text_of(batch.column(column.position))
        else:
            (bodies,) = _cells(batch, [column], to_json)
    else:
        bodies = _objects(batch, shape, source.fields, to_json)
    arrays = {
        "row": rows,
        "span_id": span_ids,
        "level": constant("span", len(batch))
        if source.level_column is None
        else _text("level", batch, source.level_column, problems),
        "name": names,
        "body": bodies,
        "type_code": problems.codes,
        "type_reason": problems.reasons,
    }
    columns = [
        arrays[field.name] if field.name in arrays else pa.nulls(len(batch), field.type)
        for field in VALUE_SCHEMA
    ]
    return pa.table(columns, schema=VALUE_SCHEMA).filter(bodies.is_valid())


def _objects(
    batch: pa.RecordBatch, shape: Shape, columns: dict[str, ModelColumn], to_json: ToJson
) -> pa.Array:
    """Write a row's keys as one JSON object; null where it has none."""
    cells = _cells(batch, list(columns.values()), to_json)
    members = []
    for key, cell in zip(columns, cells, strict=True):
        is_written = f"{METADATA_PREFIX}{key}" in shape.written_nulls
        said = _filled(cell) if is_written else cell
        head = constant(f"{json.dumps(key)}:", len(batch))
        members.append(pc.binary_join_element_wise(head, said, _scalar("")))
    if all(member.null_count == len(member) for member in members):
        # The join of nothing but nulls has no rows (pyarrow 25).
        return pa.nulls(len(batch), pa.string())
    joined = pc.binary_join_element_wise(*members, _scalar(","), null_handling="skip")
    has_any = pc.not_equal(joined, _scalar(""))
    wrapped = pc.binary_join_element_wise(_scalar("{"), joined, _scalar("}"), _scalar(""))
    return pc.if_else(has_any, wrapped, pa.nulls(len(batch), pa.string()))


def _cells(batch: pa.RecordBatch, columns: list[ModelColumn], to_json: ToJson) -> list[pa.Array]:
    # JSON comes as text, and is none.
    texts_of_json = {
        column.position: text_of(batch.column(column.position))
        for column in columns
        if column.type_name == _JSON_TYPE
    }
    others = [column.position for column in columns if column.position not in texts_of_json]
    written = to_json([batch.column(position) for position in others]) if others else []
    cells = {**texts_of_json, **dict(zip(others, written, strict=True))}
    return [cells[column.position] for column in columns]


def _filled(cells: pa.Array) -> pa.Array:
    return pc.coalesce(cells, constant(_NULL, len(cells)))


def _scalar(text: str) -> pa.Scalar:
    return texts([text])[0]


def _text(
    role: str,
    batch: pa.RecordBatch,
    column: ModelColumn,
    problems: Problems,
    *,
    is_any: bool = False,
) -> pa.Array:
    array = batch.column(column.position)
    problem = None if is_any else type_problem(role, column)
    if problem is None or pa.types.is_null(array.type):
        return text_of(array)
    problems.add(array, *problem)
    return pa.nulls(len(batch), pa.string())
