"""A `ScanPlan` as a stream of record batches of SQL types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._scan.decode import Decoder
from spanduck._scan.residual import keep
from spanduck._scan.stream import ScanStream
from spanduck._wire import ExportCommand
from spanduck_sql.expressions import AlwaysTrue

_WIDE_ROWS: Final = 2_000
_NARROW_ROWS: Final = 5_000
_NARROW_COLUMNS: Final = 8

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from spanduck._config import LocalSettings
    from spanduck._transport.export_stream import ExportInfo
    from spanduck._transport.flight import FlightTransport
    from spanduck.exceptions import Error
    from spanduck_sql.plan import ScanPlan


def delivered_schema(plan: ScanPlan) -> pa.Schema:
    """Return the schema of the batches that `open_scan` delivers."""
    return pa.schema([_bare(plan.declared_schema.field(name)) for name in plan.columns])


def export_command(plan: ScanPlan, *, chunk_rows: int | None = None) -> ExportCommand:
    """Return what is sent for `plan`."""
    return ExportCommand(
        space=plan.space,
        project=plan.project,
        start_time=plan.start_time,
        end_time=plan.end_time,
        filter_expression=plan.filter_text,
        projected_columns=plan.wire_columns,
        stream_chunk_size=chunk_rows,
        sample_rate=plan.sample_rate,
    )


def open_scan(
    transport: FlightTransport,
    plan: ScanPlan,
    settings: LocalSettings,
    *,
    cancel: threading.Event | None = None,
    on_info: Callable[[ExportInfo], None] | None = None,
    on_refused: Callable[[Error], None] | None = None,
    then: Callable[[pa.RecordBatch], pa.RecordBatch | None] | None = None,
) -> ScanStream:
    """Open the export of a plan whose window is not empty. The caller closes it.

    Args:
        transport: Stays open as long as the stream.
        plan: What is read.
        settings: Completeness, time-outs, batch size.
        cancel: Ends the stream when it is set.
        on_info: Called with the announcement, in the reader thread.
        on_refused: Called there when the service has refused the filter that we made of the
            predicates, and has taken the caller's own. The rows are the same.
        then: What is done to each batch after all else, in the reader thread.

    Returns:
        Batches of `delivered_schema(plan)`, or what `then` makes of them. Rows in no order; batches
        of at most `stream_chunk_rows`.
    """

    def transform(wire: pa.Schema) -> Callable[[pa.RecordBatch], pa.RecordBatch | None]:
        work = _BatchWork(wire, plan)
        if then is None:
            return work

        def both(batch: pa.RecordBatch) -> pa.RecordBatch | None:
            made = work(batch)
            return None if made is None else then(made)

        return both

    chunk_rows = _chunk_rows(plan, settings)
    fallback = None
    if plan.is_generated:
        fallback = export_command(plan.without_generated(), chunk_rows=chunk_rows)
    return ScanStream(
        transport,
        export_command(plan, chunk_rows=chunk_rows),
        completeness=settings.completeness,
        read_timeout_s=settings.read_timeout_s,
        cancel=cancel,
        transform=transform,
        on_info=on_info,
        fallback=fallback,
        on_fallback=on_refused,
    )


# Measured on spans of 2 KB: of all columns, larger batches cost memory and bring nothing; of a few
# columns, each batch costs more than its rows.
def _chunk_rows(plan: ScanPlan, settings: LocalSettings) -> int:
    if settings.stream_chunk_rows is not None:
        return settings.stream_chunk_rows
    return _NARROW_ROWS if len(plan.wire_columns) <= _NARROW_COLUMNS else _WIDE_ROWS


class _BatchWork:
    """Decode and filter, with one decoder for a stream."""

    def __init__(self, wire: pa.Schema, plan: ScanPlan) -> None:
        declared = plan.declared_schema
        fields = [declared.field(name) for name in plan.read_columns]
        self._field_by_name = {item.name: item for item in fields}
        self._decoder = Decoder(wire, fields)
        self._plan = plan
        self._schema = delivered_schema(plan)

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch | None:
        decoded: dict[str, pa.Array] = {}

        def column(name: str) -> pa.Array:
            if name not in decoded:
                decoded[name] = self._decoder.column(batch, self._field_by_name[name])
            return decoded[name]

        mask = None
        if not isinstance(self._plan.residual, AlwaysTrue):
            mask = keep(self._plan.residual, column, batch.num_rows)
            kept = mask.true_count
            if kept == 0:
                return None
            if kept == batch.num_rows:
                mask = None
        arrays = [column(name) for name in self._plan.columns]
        if not arrays:
            return _without_columns(batch.num_rows if mask is None else mask.true_count)
        made = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        return made if mask is None else pc.filter(made, mask)


def _without_columns(rows: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_struct_array(pa.nulls(rows, pa.struct([])))


def _bare(item: pa.Field) -> pa.Field:
    return pa.field(item.name, item.type)
