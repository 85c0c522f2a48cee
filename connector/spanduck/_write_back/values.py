"""A batch of the model's rows as a table of values, by Arrow kernels alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spanduck._write.arrays import constant, to_arrow, to_numpy
from spanduck._write_back.model_columns import ModelColumn, ValueSource, type_problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spanduck._write_back.shape import Shape

VALUE_SCHEMA: Final = pa.schema(
    [
        ("row", pa.int64()),
        ("span_id", pa.string()),
        ("level", pa.string()),
        ("name", pa.string()),
        ("label", pa.string()),
        ("score", pa.float64()),
        ("score_text", pa.string()),
        ("body", pa.string()),
        ("type_code", pa.string()),
        ("type_reason", pa.string()),
    ]
)
"""`score_text` is the score where the model selects it as text; `body` the longest text of a value:
an explanation, the text of an annotation. `type_code` and `type_reason` are set where a field that
has a value is of a type that cannot be right."""

QUICK_SCHEMA: Final = pa.schema([("quick_key", pa.uint64()), ("quick_value", pa.uint64())])
"""Which value it is and what it says, in numbers that are good for one release of the engine."""
_WITH_QUICK: Final = pa.schema([*VALUE_SCHEMA, *QUICK_SCHEMA])


def values_of(
    batch: pa.RecordBatch, shape: Shape, *, first_row: int, quick_from: int | None = None
) -> pa.Table:
    """Return the values of a batch of model rows.

    Args:
        batch: Rows of the model.
        shape: How they become values.
        first_row: The number of the batch's first row.
        quick_from: The first column of quick numbers, two for each source, if there are any.

    Returns:
        A table of `VALUE_SCHEMA`, and of `QUICK_SCHEMA` where there are quick numbers; one row a
        value, in the order of the rows and, within a row, of the sources. Values without any field
        are left out: they are no values. Not for metadata, see `documents.py`.
    """
    rows = to_arrow(np.arange(first_row, first_row + len(batch), dtype=np.int64))
    tables = [
        _source_values(
            batch, shape, source, rows, None if quick_from is None else quick_from + 2 * place
        )
        for place, source in enumerate(shape.sources)
    ]
    if len(tables) == 1:
        return tables[0]
    values = pa.concat_tables(tables).combine_chunks()
    in_order = np.argsort(to_numpy(values.column("row").chunk(0)), kind="stable")
    return values.take(to_arrow(in_order))


def _source_values(
    batch: pa.RecordBatch,
    shape: Shape,
    source: ValueSource,
    rows: pa.Array,
    quick_from: int | None,
) -> pa.Table:
    body = shape.kind.body
    has_field = _any_valid(batch.column(column.position) for column in source.fields.values())
    if not pc.all(has_field, min_count=0).as_py():
        batch, rows = batch.filter(has_field), rows.filter(has_field)
    problems = Problems(len(batch))

    def column(role: str, of: ModelColumn | None) -> pa.Array:
        if of is None:
            return pa.nulls(len(batch), pa.string())
        array = batch.column(of.position)
        problem = type_problem(role, of)
        if problem is None or pa.types.is_null(array.type):
            return text_of(array)
        problems.add(array, *problem)
        return pa.nulls(len(batch), pa.string())

    score, score_text = _score(batch, source.fields.get("score"), problems)
    arrays = {
        "row": rows,
        "span_id": column("span_id", shape.span_id)
        if shape.key is None
        else text_of(batch.column(shape.span_id.position)),
        "level": constant(source.level, len(batch))
        if source.level is not None
        else column("level", source.level_column),
        "name": constant(source.name, len(batch))
        if source.name is not None
        else column("name", source.name_column),
        "label": column("label", source.fields.get("label")),
        "score": score,
        "score_text": score_text,
        "body": column(body, source.fields.get(body)),
        "type_code": problems.codes,
        "type_reason": problems.reasons,
    }
    # After every column has been read, for reading is what finds the problems.
    arrays["type_code"], arrays["type_reason"] = problems.codes, problems.reasons
    columns = [arrays[name] for name in VALUE_SCHEMA.names]
    if quick_from is None:
        return pa.table(columns, schema=VALUE_SCHEMA)
    columns += batch.columns[quick_from : quick_from + 2]
    return pa.table(columns, schema=_WITH_QUICK)


class Problems:
    """The first type problem of each row."""

    def __init__(self, rows: int) -> None:
        self.codes = pa.nulls(rows, pa.string())
        self.reasons = pa.nulls(rows, pa.string())

    def add(self, array: pa.Array, code: str, reason: str) -> None:
        """Note a problem of every row that has a value in `array`."""
        nothing = pa.nulls(len(array), pa.string())
        has_value = array.is_valid()
        codes, reasons = constant(str(code), len(array)), constant(reason, len(array))
        self.codes = pc.coalesce(self.codes, pc.if_else(has_value, codes, nothing))
        self.reasons = pc.coalesce(self.reasons, pc.if_else(has_value, reasons, nothing))


def _score(
    batch: pa.RecordBatch, column: ModelColumn | None, problems: Problems
) -> tuple[pa.Array, pa.Array]:
    no_number, no_text = pa.nulls(len(batch), pa.float64()), pa.nulls(len(batch), pa.string())
    if column is None:
        return no_number, no_text
    array = batch.column(column.position)
    if pa.types.is_null(array.type):
        return no_number, no_text
    if column.is_number:
        # Not safe: an integer beyond 2^53 is rounded, as it would be by the service.
        return array.cast(pa.float64(), safe=False), no_text
    problem = type_problem("score", column)
    if problem is None:
        return no_number, text_of(array)
    problems.add(array, *problem)
    return no_number, no_text


def text_of(array: pa.Array) -> pa.Array:
    """Return texts as plain ones."""
    # A session may export text as large or view arrays; an ENUM comes as a dictionary.
    return array if pa.types.is_string(array.type) else array.cast(pa.string())


def _any_valid(arrays: Iterable[pa.Array]) -> pa.Array:
    masks = [array.is_valid() for array in arrays]
    combined = masks[0]
    for mask in masks[1:]:
        combined = pc.or_(combined, mask)
    return combined
