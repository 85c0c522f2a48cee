"""Values to wide batches for the wire: one row a span, three columns an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spanduck._wire import UPLOAD_SCHEMA_KEY, upload_schema_text
from spanduck._write.arrays import Bools, to_arrow, to_numpy
from spanduck._write.rules import BATCH_BYTES
from spanduck_sql.schema import SPAN_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from spanduck._write.ledger import SentEvaluation

_TYPE_BY_FIELD: Final = {
    "label": pa.string(),
    "score": pa.float64(),
    "explanation": pa.string(),
}


def wire_schema(project: str, evaluations: Sequence[SentEvaluation]) -> pa.Schema:
    """Return the schema of the batches that carry `evaluations` to `project`."""
    fields = [pa.field(SPAN_ID, pa.string())]
    fields += [
        pa.field(evaluation.column(field), _TYPE_BY_FIELD[field])
        for evaluation in evaluations
        for field in evaluation.fields
    ]
    return pa.schema(fields, metadata={UPLOAD_SCHEMA_KEY: upload_schema_text(project)})


@dataclass(frozen=True)
class WirePiece:
    """A batch for the wire, and the values in it.

    Attributes:
        batch: One row a span.
        value_ids: The values, as a column of int64.
        span_ids: The span of each.
    """

    batch: pa.RecordBatch
    value_ids: pa.Array
    span_ids: pa.Array


def wire_pieces(
    values: Iterable[pa.RecordBatch],
    evaluations: Sequence[SentEvaluation],
    schema: pa.Schema,
    *,
    batch_rows: int,
) -> Iterator[WirePiece]:
    """Turn a stream of values into wide batches.

    Args:
        values: Batches of (value_id, span_id, slot, label, score, explanation), all values of a
            span together, at most one of a slot.
        evaluations: What the slots stand for, in order.
        schema: The schema of the batches, from `wire_schema`.
        batch_rows: Most rows of a batch; a batch is also cut before it grows past `BATCH_BYTES`.
    """
    spans_go_on = len(evaluations) > 1
    for table in _whole_spans(values, batch_rows, spans_go_on=spans_go_on):
        column_by_name = {name: table.column(name).chunk(0) for name in table.column_names}
        is_start = _is_start(column_by_name["span_id"])
        starts = np.append(np.flatnonzero(is_start), len(is_start))
        wide = _pivot(column_by_name, evaluations, schema, is_start)
        first = 0
        for batch in cut(wide, batch_rows):
            begin, first = starts[first], first + len(batch)
            length = starts[first] - begin
            yield WirePiece(
                batch,
                column_by_name["value_id"].slice(begin, length),
                column_by_name["span_id"].slice(begin, length),
            )


def cut(batch: pa.RecordBatch, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Cut a batch into even pieces of at most `batch_rows` rows and about `BATCH_BYTES`."""
    if not len(batch):
        return
    row_bytes = -(-batch.nbytes // len(batch))
    most = max(1, min(batch_rows, BATCH_BYTES // max(1, row_bytes)))
    pieces = -(-len(batch) // most)
    step = -(-len(batch) // pieces)
    for start in range(0, len(batch), step):
        yield batch.slice(start, step)


def _whole_spans(
    values: Iterable[pa.RecordBatch], batch_rows: int, *, spans_go_on: bool
) -> Iterator[pa.Table]:
    # The last span of what was read may go on in the next batch, so its values wait.
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in values:
        held.append(batch)
        rows += len(batch)
        size += batch.nbytes
        if rows < batch_rows and size < BATCH_BYTES:
            continue
        table = pa.Table.from_batches(held).combine_chunks()
        if not spans_go_on:
            yield table
            held, rows, size = [], 0, 0
            continue
        starts = np.flatnonzero(_is_start(table.column("span_id").chunk(0)))
        last = int(starts[-1])
        if last:
            yield table.slice(0, last)
        held = table.slice(last).to_batches()
        rows, size = table.num_rows - last, 0
    if rows:
        yield pa.Table.from_batches(held).combine_chunks()


def _is_start(span_ids: pa.Array) -> Bools:
    is_start = np.ones(len(span_ids), dtype=np.bool_)
    if len(span_ids) > 1:
        is_start[1:] = to_numpy(pc.not_equal(span_ids[1:], span_ids[:-1]))
    return is_start


def _pivot(
    column_by_name: dict[str, pa.Array],
    evaluations: Sequence[SentEvaluation],
    schema: pa.Schema,
    is_start: Bools,
) -> pa.RecordBatch:
    if len(evaluations) == 1:
        # One evaluation has one value a span: the columns are there already.
        names = ("span_id", *evaluations[0].fields)
        return pa.RecordBatch.from_arrays([column_by_name[name] for name in names], schema=schema)
    starts = np.flatnonzero(is_start)
    span_of_value = np.cumsum(is_start) - 1
    slots = to_numpy(column_by_name["slot"])
    arrays = [column_by_name["span_id"].take(to_arrow(starts))]
    for evaluation in evaluations:
        of_slot = np.flatnonzero(slots == evaluation.slot)
        value_of_span = np.full(len(starts), -1, dtype=np.int64)
        value_of_span[span_of_value[of_slot]] = of_slot
        indices = to_arrow(value_of_span, is_valid=value_of_span >= 0)
        arrays += [column_by_name[field].take(indices) for field in evaluation.fields]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
