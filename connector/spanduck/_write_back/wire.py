"""Values to wide batches for the wire: one row a span, some columns a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spanduck._upload.prepare import cut
from spanduck._upload.values.kinds import UPDATED_BY
from spanduck._upload.values.notes import wrapped_notes
from spanduck._wire import PATCH_DOCUMENT, UPLOAD_SCHEMA_KEY, upload_schema_text
from spanduck._write.arrays import Bools, constant, texts, to_arrow, to_numpy
from spanduck._write.rules import BATCH_BYTES
from spanduck._write_back.kinds import ANNOTATION
from spanduck_sql.schema import ANNOTATION_NOTES, SPAN_ID, AnnotationColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from spanduck._write_back.names import SentName

_TYPE_BY_FIELD: Final = {"label": pa.string(), "score": pa.float64(), "body": pa.string()}
_NOTES_TYPE: Final = pa.list_(pa.string())


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


def wire_schema(project: str, names: Sequence[SentName]) -> pa.Schema:
    """Return the schema of the batches that carry values of `names` to `project`."""
    fields = [pa.field(SPAN_ID, pa.string())]
    for name in names:
        fields += [
            pa.field(
                name.column(field),
                _NOTES_TYPE if name.name == ANNOTATION_NOTES else _TYPE_BY_FIELD[field],
            )
            for field in name.fields
        ]
        if _has_author(name):
            fields += [
                pa.field(AnnotationColumn(name.name, "updated_by").column, pa.string()),
                pa.field(AnnotationColumn(name.name, "updated_at").column, pa.int64()),
            ]
    return pa.schema(fields, metadata={UPLOAD_SCHEMA_KEY: upload_schema_text(project)})


def patch_schema(project: str) -> pa.Schema:
    """Return the schema of the batches that carry metadata to `project`."""
    return pa.schema(
        [(SPAN_ID, pa.string()), (PATCH_DOCUMENT, pa.string())],
        metadata={UPLOAD_SCHEMA_KEY: upload_schema_text(project)},
    )


def wire_pieces(
    values: Iterable[pa.RecordBatch],
    names: Sequence[SentName],
    schema: pa.Schema,
    *,
    batch_rows: int,
    now_ms: int,
) -> Iterator[WirePiece]:
    """Turn a stream of values into wide batches.

    Args:
        values: Batches of (value_id, span_id, slot, label, score, body), all values of a span
            together, at most one of a slot.
        names: What the slots stand for, in order.
        schema: The schema of the batches, from `wire_schema`.
        batch_rows: Most rows of a batch; a batch is also cut before it grows past `BATCH_BYTES`.
        now_ms: When annotations are said to be from, in milliseconds since 1970.
    """

    def widened(column_by_name: dict[str, pa.Array], starts: Bools) -> pa.RecordBatch:
        return _pivot(column_by_name, names, schema, starts, now_ms)

    return _pieces(values, widened, batch_rows, spans_go_on=len(names) > 1)


def patch_pieces(
    values: Iterable[pa.RecordBatch], schema: pa.Schema, *, batch_rows: int
) -> Iterator[WirePiece]:
    """Turn a stream of metadata into patches, one a span.

    Args:
        values: Batches of (value_id, span_id, members), all values of a span together.
        schema: The schema of the batches, from `patch_schema`.
        batch_rows: Most rows of a batch.
    """

    def joined(column_by_name: dict[str, pa.Array], starts: Bools) -> pa.RecordBatch:
        firsts = np.flatnonzero(starts)
        offsets = np.append(firsts, len(starts))
        lists = pa.ListArray.from_arrays(
            to_arrow(offsets).cast(pa.int32()), column_by_name["members"]
        )
        open_, comma, close = (texts([text])[0] for text in "{,}")
        members = pc.binary_join(lists, comma)
        patches = pc.binary_join_element_wise(open_, members, close, texts([""])[0])
        span_ids = column_by_name["span_id"].take(to_arrow(firsts))
        return pa.RecordBatch.from_arrays([span_ids, patches], schema=schema)

    return _pieces(values, joined, batch_rows, spans_go_on=True)


def _pieces(
    values: Iterable[pa.RecordBatch],
    widened: Callable[[dict[str, pa.Array], Bools], pa.RecordBatch],
    batch_rows: int,
    *,
    spans_go_on: bool,
) -> Iterator[WirePiece]:
    for table in _whole_spans(values, batch_rows, spans_go_on=spans_go_on):
        column_by_name = {name: table.column(name).chunk(0) for name in table.column_names}
        starts = is_start(column_by_name["span_id"])
        bounds = np.append(np.flatnonzero(starts), len(starts))
        first = 0
        for batch in cut(widened(column_by_name, starts), rows=batch_rows, size_bytes=BATCH_BYTES):
            begin, first = bounds[first], first + len(batch)
            length = bounds[first] - begin
            yield WirePiece(
                batch,
                column_by_name["value_id"].slice(begin, length),
                column_by_name["span_id"].slice(begin, length),
            )


def _whole_spans(
    values: Iterable[pa.RecordBatch], batch_rows: int, *, spans_go_on: bool
) -> Iterator[pa.Table]:
    # The last span of what was read may go on in the next batch, so its values wait.
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in values:
        if not len(batch):
            continue
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
        starts = np.flatnonzero(is_start(table.column("span_id").chunk(0)))
        last = int(starts[-1])
        if last:
            yield table.slice(0, last)
        held = table.slice(last).to_batches()
        rows, size = table.num_rows - last, 0
    if rows:
        yield pa.Table.from_batches(held).combine_chunks()


def is_start(span_ids: pa.Array) -> Bools:
    """Tell of each value whether it is the first of its span."""
    starts = np.ones(len(span_ids), dtype=np.bool_)
    if len(span_ids) > 1:
        starts[1:] = to_numpy(pc.not_equal(span_ids[1:], span_ids[:-1]))
    return starts


def _pivot(
    column_by_name: dict[str, pa.Array],
    names: Sequence[SentName],
    schema: pa.Schema,
    starts: Bools,
    now_ms: int,
) -> pa.RecordBatch:
    firsts = np.flatnonzero(starts)
    span_ids = column_by_name["span_id"]
    arrays = [span_ids if len(names) == 1 else span_ids.take(to_arrow(firsts))]
    span_of_value = np.cumsum(starts) - 1
    for name in names:
        fields = [column_by_name[field] for field in name.fields]
        if len(names) > 1:
            of_slot = np.flatnonzero(to_numpy(column_by_name["slot"]) == name.slot)
            value_of_span = np.full(len(firsts), -1, dtype=np.int64)
            value_of_span[span_of_value[of_slot]] = of_slot
            indices = to_arrow(value_of_span, is_valid=value_of_span >= 0)
            fields = [field.take(indices) for field in fields]
        if name.name == ANNOTATION_NOTES:
            fields = [wrapped_notes(fields[0], now_ms)]
        arrays += fields
        if _has_author(name):
            # On every row, as the vendor's clients send them: they say nothing by themselves.
            rows = len(arrays[0])
            arrays += [constant(UPDATED_BY, rows), to_arrow(np.full(rows, now_ms, np.int64))]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _has_author(name: SentName) -> bool:
    return name.kind is ANNOTATION and name.name != ANNOTATION_NOTES
