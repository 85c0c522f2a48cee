"""The Flight half of the server: exports and write-backs."""

from __future__ import annotations

import logging
import math
import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa
import pyarrow.flight as fl  # noqa: TID251 - this is the server

from spanduck._wire import (
    ExportCommand,
    Trailer,
    WireError,
    WriteCommand,
    read_api_key,
)
from spanduck.server import catalogue
from spanduck.server.errors import (
    NotFoundError,
    NotSupportedError,
    RequestError,
    UnauthenticatedError,
)
from spanduck.server.export import Restriction, plan_export
from spanduck.server.snapshots import Snapshot, Snapshots
from spanduck.server.store import end_reading
from spanduck.server.write_back import store_values
from spanduck_sql.errors import FilterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

    from spanduck.server.activity import Activity
    from spanduck.server.options import ServerOptions
    from spanduck.server.rewrite import Rewriter
    from spanduck.server.store import Store

_log: Final = logging.getLogger(__name__)

# On rows of two kilobytes and more, batches of 2,000 to 5,000 rows (4 to 10 MB) are the fastest.
DEFAULT_BATCH_ROWS: Final = 4_000
MAX_BATCH_ROWS: Final = 5_000
# Where rows are megabytes: a column of a batch must stay below 2 GB, and two batches are in memory.
_BATCH_BYTES: Final = 64_000_000
_NS: Final = 1_000_000_000
_MESSAGE_CHARACTERS: Final = 1_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SMALLEST_SAMPLE: Final = 1e-6
_ENDLESS_PAST: Final = -(2**63)
_ENDLESS_FUTURE: Final = 2**63 - 1


class FlightEndpoint(fl.FlightServerBase):  # type: ignore[misc]
    """Answers GetFlightInfo, DoGet and DoPut on a port of its own.

    Args:
        store: The store.
        activity: Where calls and streams are counted.
        snapshots: Where snapshots wait for their DoGet.
        rewriter: Told of every write, as writing again leaves dead rows.
        options: Where it listens, and the key every call must carry.
    """

    def __init__(
        self,
        store: Store,
        activity: Activity,
        snapshots: Snapshots,
        rewriter: Rewriter,
        options: ServerOptions,
    ) -> None:
        self._store = store
        self._rewriter = rewriter
        self._activity = activity
        self._snapshots = snapshots
        location = fl.Location.for_grpc_tcp(options.host, options.flight_port)
        super().__init__(location, middleware={"key": _KeyCheck(options.api_key)})

    def get_flight_info(
        self, context: fl.ServerCallContext, descriptor: fl.FlightDescriptor
    ) -> fl.FlightInfo:
        """Open a snapshot, count in it, and return schema, count and ticket."""
        del context
        with self._activity.call(), _mapped():
            command = ExportCommand.from_json(_command(descriptor))
            _refuse_unsupported(command)
            cursor = self._store.begin_reading()
            try:
                snapshot = self._snapshot(cursor, command)
            except BaseException:
                end_reading(cursor)
                raise
            ticket = fl.Ticket(self._snapshots.hold(snapshot))
            endpoint = fl.FlightEndpoint(ticket, [])
            return fl.FlightInfo(snapshot.schema, descriptor, [endpoint], snapshot.rows, -1)

    def do_get(self, context: fl.ServerCallContext, ticket: fl.Ticket) -> fl.FlightDataStream:
        """Stream the snapshot that a ticket names."""
        del context
        with self._activity.call(), _mapped():
            snapshot = self._snapshots.take(ticket.ticket)
            stream = _ExportStream(snapshot, self._activity)
            return fl.GeneratorStream(snapshot.schema, stream)

    def do_put(
        self,
        context: fl.ServerCallContext,
        descriptor: fl.FlightDescriptor,
        reader: fl.MetadataRecordBatchReader,
        writer: fl.FlightMetadataWriter,
    ) -> None:
        """Read a write-back to its end, store it, and answer with one result."""
        with self._activity.call(), _mapped():
            command = WriteCommand.from_json(_command(descriptor))
            stored = store_values(self._store, command, reader, context)
            self._rewriter.consider(stored.project)
            writer.write(stored.result.to_bytes())

    def _snapshot(self, cursor: DuckDBPyConnection, command: ExportCommand) -> Snapshot:
        space = catalogue.find_space(cursor, command.space)
        project = catalogue.find_project(cursor, space.id, command.project)
        restriction = _restriction(command)
        known = self._store.catalogues.get(cursor, project)
        plan = plan_export(known, command.projected_columns, restriction)
        if restriction.is_windowed:
            _set_window(cursor, command)
        if restriction.is_sampled:
            _set_sample(cursor, command)
        batch_rows = min(_batch_rows(command), _BATCH_BYTES // max(project.row_bytes, 1)) or 1
        return Snapshot.open(cursor, plan, batch_rows)


class _ExportStream:
    """The batches of a snapshot, the last with the row count; ends the snapshot when it is dropped.

    Reads two batches ahead, in a thread of its own: one to know which is the last, one so that
    DuckDB works while Flight sends. An iterator rather than a generator, because a generator that
    never started runs no `finally`: a client may go away before the first batch.
    """

    def __init__(self, snapshot: Snapshot, activity: Activity) -> None:
        self._snapshot = snapshot
        self._activity = activity
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="export")
        self._reader: pa.RecordBatchReader | None = None
        self._batch: pa.RecordBatch | None = None
        self._following: Future[pa.RecordBatch | None] | None = None
        self._rows = 0
        self._is_open = True
        self._is_finished = False
        activity.stream_opened()

    def __iter__(self) -> _ExportStream:
        return self

    def __next__(self) -> tuple[pa.RecordBatch, pa.Buffer] | pa.RecordBatch:
        if self._is_finished:
            self.close()
            raise StopIteration
        try:
            with _mapped():
                return self._advance()
        except BaseException:
            self.close()
            raise

    def _advance(self) -> tuple[pa.RecordBatch, pa.Buffer] | pa.RecordBatch:
        if self._following is None:
            self._batch = self._reading.submit(self._read).result()
            self._following = self._reading.submit(self._read)
        batch, self._batch = self._batch, self._following.result()
        if batch is None:
            batch = pa.RecordBatch.from_pylist([], self._snapshot.schema)
        self._rows += batch.num_rows
        if self._batch is not None:
            self._following = self._reading.submit(self._read)
            return batch
        self._is_finished = True
        return batch, pa.py_buffer(Trailer(self._rows).to_bytes())

    def _read(self) -> pa.RecordBatch | None:
        """Read the next batch; None at the end. Only ever called in the reading thread."""
        if self._reader is None:
            self._reader = self._snapshot.reader()
        try:
            # Runs DuckDB and Arrow only: other threads have the interpreter meanwhile.
            batch = self._reader.read_next_batch()
        except StopIteration:
            return None
        return _as_planned(batch, self._snapshot.schema)

    def close(self) -> None:
        """End the snapshot, after the batch that is being read: DuckDB cannot be left in it."""
        if not self._is_open:
            return
        self._is_open = False
        if self._following is not None and not self._following.cancel():
            wait_for([self._following])
        # Without joining it: when the last reference goes, this may run in that very thread.
        self._reading.shutdown(wait=False)
        self._batch = self._following = self._reader = None
        end_reading(self._snapshot.cursor)
        self._activity.stream_closed()

    def __del__(self) -> None:
        self.close()


def _as_planned(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Give a batch of the query the names and types that are sent; copies no values."""
    arrays = [
        array if array.type == wanted.type else _viewed(array, wanted.type)
        for array, wanted in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _viewed(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    # `time` leaves DuckDB as int64, because DuckDB has no milliseconds with a zone.
    return array.view(wanted) if pa.types.is_timestamp(wanted) else array.cast(wanted)


def _refuse_unsupported(command: ExportCommand) -> None:
    """Refuse what this server cannot evaluate; ignoring it would give other rows than asked for."""
    if command.environment != "TRACING":
        raise NotSupportedError(
            f"this server has no data of the environment {command.environment!r}",
            next_step="Spans are in 'TRACING'.",
        )
    if command.similarity_search:
        raise NotSupportedError(
            "this server does not search by similarity",
            next_step="Export without similaritySearchParams.",
        )
    start, end = command.start_time, command.end_time
    if start is not None and end is not None and start >= end:
        raise RequestError(
            f"startTime {start.isoformat()} is not before endTime {end.isoformat()}",
            next_step="The window includes its start and excludes its end.",
        )


def _restriction(command: ExportCommand) -> Restriction:
    rate = command.sample_rate
    if rate is not None and not SMALLEST_SAMPLE <= rate <= 1:
        raise RequestError(
            f"sampleRate is {rate!r}",
            next_step=f"It is a share of the traces, from {SMALLEST_SAMPLE} to 1.",
        )
    return Restriction(
        is_windowed=command.start_time is not None or command.end_time is not None,
        filter_text=command.filter_expression,
        is_sampled=rate is not None and rate < 1,
    )


def _batch_rows(command: ExportCommand) -> int:
    rows = command.stream_chunk_size
    if rows is None:
        return DEFAULT_BATCH_ROWS
    if rows < 1:
        raise RequestError(
            f"streamChunkSize is {rows}", next_step=f"Ask for 1 to {MAX_BATCH_ROWS} rows."
        )
    # More than the documented maximum is no error: the size is a bound, and a smaller one holds it.
    return min(rows, MAX_BATCH_ROWS)


def _command(descriptor: fl.FlightDescriptor) -> bytes:
    if descriptor.descriptor_type is not fl.DescriptorType.CMD:
        raise RequestError(
            "the descriptor is a path", next_step="Send the command as JSON in its cmd."
        )
    command: bytes = descriptor.command
    return command


def _epoch_ns(moment: datetime) -> int:
    # Integer arithmetic: a double has no room for nanoseconds.
    since = moment - _EPOCH
    ns = (since.days * 86_400 + since.seconds) * _NS + since.microseconds * 1_000
    return max(_ENDLESS_PAST, min(_ENDLESS_FUTURE, ns))


@contextmanager
def _mapped() -> Iterator[None]:
    """Turn refusals into Flight errors with the matching gRPC code; log anything else.

    Without their causes: pyarrow sends the whole traceback of the kinds that have no Flight class.
    """
    try:
        yield
    except UnauthenticatedError as exc:
        raise fl.FlightUnauthenticatedError(str(exc)) from None
    except NotFoundError as exc:
        # pyarrow has no class for NOT_FOUND; a key error is sent as one.
        raise pa.ArrowKeyError(str(exc)) from None
    except NotSupportedError as exc:
        raise pa.ArrowNotImplementedError(str(exc)) from None
    except (RequestError, WireError, FilterError) as exc:
        raise pa.ArrowInvalid(_sendable(str(exc))) from None
    except duckdb.Error as exc:
        _log.exception("a Flight call failed in the store")
        raise fl.FlightInternalError(f"the store failed: {exc}") from None


def _sendable(message: str) -> str:
    """Cut a message that quotes something long: gRPC loses one of more than a few kilobytes."""
    is_short = len(message) <= _MESSAGE_CHARACTERS
    return message if is_short else f"{message[:_MESSAGE_CHARACTERS]}…"


class _KeyCheck(fl.ServerMiddlewareFactory):  # type: ignore[misc]
    """Refuses calls without the key, before anything else is read of them."""

    def __init__(self, api_key: str) -> None:
        super().__init__()
        self._api_key = api_key

    def start_call(
        self, info: fl.CallInfo, headers: dict[str, list[str | bytes]]
    ) -> fl.ServerMiddleware | None:
        del info
        given = read_api_key(headers)
        if given is None:
            raise fl.FlightUnauthenticatedError("the call carries no API key")
        if not secrets.compare_digest(given.encode(), self._api_key.encode()):
            raise fl.FlightUnauthenticatedError("the API key is wrong")
        return None


def _set_window(cursor: DuckDBPyConnection, command: ExportCommand) -> None:
    start, end = command.start_time, command.end_time
    first = _ENDLESS_PAST if start is None else _epoch_ns(start)
    last = _ENDLESS_FUTURE if end is None else _epoch_ns(end)
    cursor.execute("SET VARIABLE window_start = ?::BIGINT", [first])
    cursor.execute("SET VARIABLE window_end = ?::BIGINT", [last])


def _set_sample(cursor: DuckDBPyConnection, command: ExportCommand) -> None:
    # Exact: a power of two only moves the exponent, and what is below 1 stays below 2 ** 64.
    end = int(math.ldexp(command.sample_rate or 0.0, 64))
    cursor.execute("SET VARIABLE sample_end = ?::UBIGINT", [end])
