"""An export as a bounded stream: reader thread, queue, and the proof that nothing is missing."""

from __future__ import annotations

import atexit
import threading
import time
import warnings
import weakref
from collections import deque
from typing import TYPE_CHECKING, Final, Literal, Self

import pyarrow as pa

from spanduck._transport.retry import retrying
from spanduck._wire import Trailer
from spanduck.exceptions import (
    CancelledError,
    Error,
    FilterError,
    IncompleteStreamError,
    RejectedError,
    UnavailableError,
    UnknownProjectError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spanduck._transport.export_stream import ExportInfo, ExportStream
    from spanduck._transport.flight import FlightTransport
    from spanduck._wire import ExportCommand

    Transform = Callable[[pa.RecordBatch], "pa.RecordBatch | None"]
    MakeTransform = Callable[[pa.Schema], Transform]

_QUEUE_BATCHES: Final = 2
# How soon a set cancel event, a deadline or a signal is seen while nothing arrives.
_POLL_S: Final = 0.1
_EXIT_GRACE_S: Final = 2.0

_open_streams: weakref.WeakSet[ScanStream] = weakref.WeakSet()


class ScanStream:
    """The batches of one export, in the order of arrival.

    The service is called by a thread of its own, from the look-up on, so that whoever waits here
    can look at the cancel event and the clock. Its errors are raised here. One owner closes it,
    which cancels the call; `cancel` may come from any thread.

    Args:
        transport: Where the export comes from; stays open as long as this.
        command: What is asked for.
        completeness: What a stream that ended early does: `strict` fails, `warn` warns.
        read_timeout_s: Longest wait for the schema or for the next batch.
        cancel: Ends the stream when it is set.
        transform: Given the wire schema, returns what is done to each batch in the reader thread. A
            batch that becomes None, or empty, is left out.
        on_info: Called in the reader thread with the announcement; what it raises ends the stream.
        info: An announcement that was asked for already.
        fallback: What is asked for instead when the service refuses `command` before it has sent a
            batch; what that fails with is what is raised.
        on_fallback: Called in the reader thread with the refusal, once the service has taken the
            other.
    """

    def __init__(
        self,
        transport: FlightTransport,
        command: ExportCommand,
        *,
        completeness: Literal["strict", "warn"],
        read_timeout_s: float,
        cancel: threading.Event | None = None,
        transform: MakeTransform | None = None,
        on_info: Callable[[ExportInfo], None] | None = None,
        info: ExportInfo | None = None,
        fallback: ExportCommand | None = None,
        on_fallback: Callable[[Error], None] | None = None,
    ) -> None:
        self._transport = transport
        self._command = command
        self._completeness = completeness
        self._read_timeout_s = read_timeout_s
        self._cancel = cancel or threading.Event()
        self._make_transform = transform
        self._on_info = on_info
        self._info = info
        self._fallback = fallback
        self._on_fallback = on_fallback
        self._changed = threading.Condition()
        self._queue: deque[pa.RecordBatch] = deque()
        self._schema: pa.Schema | None = None
        self._failure: BaseException | None = None
        self._is_finished = False
        self._is_closed = False
        self._stop = threading.Event()
        self._export: ExportStream | None = None
        self.rows_received = 0
        self.total_records = -1
        self._thread = threading.Thread(target=self._run, name="spanduck-export", daemon=True)
        _open_streams.add(self)
        self._thread.start()

    @property
    def schema(self) -> pa.Schema:
        """The wire schema; waits for it."""
        with self._changed:
            self._wait(lambda: self._schema is not None)
            if self._schema is None:
                self._raise()
            return self._schema

    @property
    def is_closed(self) -> bool:
        """Whether it was closed, or ended by itself."""
        return self._is_closed or self._is_finished

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while (batch := self.read()) is not None:
            yield batch

    def read(self) -> pa.RecordBatch | None:
        """Return the next batch, None after the last.

        Raises:
            IncompleteStreamError: The stream broke off, or ended before its last row.
            UnavailableError: Nothing came for `read_timeout_s`.
            Error: What the service said, or that the stream was cancelled.
        """
        with self._changed:
            self._wait(lambda: bool(self._queue))
            if self._queue:
                batch = self._queue.popleft()
                self._changed.notify_all()
                return batch
            if self._failure is not None:
                self._raise()
            return None

    def reader(self, schema: pa.Schema) -> pa.RecordBatchReader:
        """Return the batches as a reader, which closes this when it is read or let go of."""
        return pa.RecordBatchReader.from_batches(schema, _ClosingBatches(self))

    def cancel(self) -> None:
        """End the stream from any thread: whoever waits gets an error."""
        self._fail(CancelledError("the scan was cancelled"))

    def close(self) -> None:
        """Cancel what was not read. Idempotent."""
        with self._changed:
            is_read = self._is_finished and not self._queue
            if not is_read and self._failure is None:
                # Whoever reads on must not take what is missing for the end.
                self._failure = CancelledError("the scan is closed")
            self._is_closed = True
            self._queue.clear()
            self._end()
        _open_streams.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def join(self, timeout_s: float) -> None:
        """Wait until the reader thread has ended."""
        self._thread.join(timeout_s)

    def _wait(self, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self._read_timeout_s
        while not is_ready() and self._failure is None and not self._is_finished:
            if self._cancel.is_set():
                self._failure = CancelledError("the scan was cancelled")
                self._end()
                return
            if time.monotonic() >= deadline:
                self._failure = UnavailableError(
                    f"nothing arrived of the export of {self._command.project!r} for "
                    f"{self._read_timeout_s:g} s, after {self.rows_received} rows",
                    next_step="Try again, narrow the window, or raise SPANDUCK_READ_TIMEOUT_S.",
                    retryable=True,
                )
                self._end()
                return
            self._changed.wait(_POLL_S)

    def _raise(self) -> None:
        failure = self._failure
        if failure is None:
            raise CancelledError("the scan is closed")
        raise failure

    def _fail(self, failure: BaseException) -> None:
        with self._changed:
            if self._failure is None:
                self._failure = failure
            self._queue.clear()
            self._end()

    # With the lock held.
    def _end(self) -> None:
        self._stop.set()
        if self._export is not None:
            self._export.cancel()
        self._changed.notify_all()

    def _run(self) -> None:
        try:
            self._export_or_fall_back()
        except BaseException as exc:  # noqa: BLE001 - it is raised where the batches are read
            if not self._stop.is_set():
                self._hand_over_failure(exc)
        finally:
            with self._changed:
                self._is_finished = True
                self._changed.notify_all()

    # Batches that arrived before the failure are still in the queue, and are read first.
    def _hand_over_failure(self, exc: BaseException) -> None:
        text = self._command.filter_expression
        if isinstance(exc, RejectedError) and text and not self.rows_received:
            # A service may read the filter only when the ticket is redeemed.
            exc = FilterError(exc.message, text=text)
        with self._changed:
            if self._failure is None:
                self._failure = exc
            self._changed.notify_all()

    def _export_or_fall_back(self) -> None:
        try:
            self._export_batches(self._announced())
        except (FilterError, RejectedError) as exc:
            if self._fallback is None or self.rows_received or self._stop.is_set():
                raise
            refusal = exc
        else:
            return
        self._command, self._info = self._fallback, None
        info = self._announced()
        if self._on_fallback is not None:
            self._on_fallback(refusal)
        self._export_batches(info)

    def _export_batches(self, info: ExportInfo) -> None:
        self.total_records = info.total_records
        if self._on_info is not None:
            self._on_info(info)
        if info.total_records == 0 and info.schema is not None:
            self._begin(info.schema)
            return
        with self._opened(info) as export:
            transform = self._begin(export.schema)
            trailer = self._pump(export, transform)
        if not self._stop.is_set():
            self._check_complete(trailer)

    def _announced(self) -> ExportInfo:
        if self._info is not None:
            return self._info
        return self._transport.get_info(self._command, cancel=self._stop)

    def _opened(self, info: ExportInfo) -> ExportStream:
        try:
            export = self._open(info)
        except UnknownProjectError:
            # The ticket was dropped: they are held for a minute, and only so many of them.
            again = self._transport.get_info(self._command, cancel=self._stop)
            self.total_records = again.total_records
            export = self._open(again)
        with self._changed:
            self._export = export
            if self._stop.is_set():
                export.cancel()
        return export

    def _open(self, info: ExportInfo) -> ExportStream:
        # Nothing was delivered yet, so asking again loses and repeats nothing.
        policy = retrying(total_s=self._read_timeout_s, cancel=self._stop)
        return policy(self._transport.open_export, info, project=self._command.project)

    def _begin(self, schema: pa.Schema) -> Transform | None:
        transform = self._make_transform(schema) if self._make_transform is not None else None
        with self._changed:
            self._schema = schema
            self._changed.notify_all()
        return transform

    def _pump(self, export: ExportStream, transform: Transform | None) -> Trailer | None:
        trailer: Trailer | None = None
        while not self._stop.is_set():
            try:
                chunk = export.read()
            except UnavailableError as exc:
                raise IncompleteStreamError(
                    f"the export of {self._command.project!r} broke off after "
                    f"{self.rows_received} rows: {exc.message}",
                    next_step="Run the query again.",
                    rows_received=self.rows_received,
                    rows_expected=self.total_records if self.total_records >= 0 else None,
                ) from exc
            if chunk is None:
                break
            batch, metadata = chunk
            trailer = Trailer.from_bytes(metadata) or trailer
            if batch is None or batch.num_rows == 0:
                continue
            self.rows_received += batch.num_rows
            made = batch if transform is None else transform(batch)
            if made is not None and made.num_rows:
                self._enqueue(made)
        return trailer

    def _enqueue(self, batch: pa.RecordBatch) -> None:
        with self._changed:
            self._changed.wait_for(lambda: len(self._queue) < _QUEUE_BATCHES or self._stop.is_set())
            if not self._stop.is_set():
                self._queue.append(batch)
                self._changed.notify_all()

    def _check_complete(self, trailer: Trailer | None) -> None:
        received = self.rows_received
        if trailer is not None:
            expected, is_complete = trailer.rows, received == trailer.rows
        else:
            expected, is_complete = self.total_records, received >= self.total_records
        if is_complete:
            return
        message = (
            f"the export of {self._command.project!r} ended after {received} of {expected} rows"
        )
        if self._completeness == "warn":
            warnings.warn(message, RuntimeWarning, stacklevel=1)
            return
        raise IncompleteStreamError(
            message,
            next_step="Run the query again; completeness = 'warn' lets it pass.",
            rows_received=received,
            rows_expected=expected,
        )


class _ClosingBatches:
    # A generator that was never started runs no `finally`: a reader that is dropped unread must
    # cancel too.
    def __init__(self, stream: ScanStream) -> None:
        self._stream = stream
        self._finalizer = weakref.finalize(self, stream.close)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> pa.RecordBatch:
        try:
            batch = self._stream.read()
        except BaseException:
            self._finalizer()
            raise
        if batch is None:
            self._finalizer()
            raise StopIteration
        return batch


def open_stream(
    transport: FlightTransport,
    command: ExportCommand,
    *,
    completeness: Literal["strict", "warn"],
    read_timeout_s: float,
    cancel: threading.Event | None = None,
    info: ExportInfo | None = None,
) -> ScanStream:
    """Open an export of wire types; see `ScanStream`. The caller closes it."""
    return ScanStream(
        transport,
        command,
        completeness=completeness,
        read_timeout_s=read_timeout_s,
        cancel=cancel,
        info=info,
    )


# A thread that is inside gRPC while the interpreter goes away takes the process down with it.
@atexit.register
def _close_all() -> None:
    streams = list(_open_streams)
    for stream in streams:
        stream.close()
    deadline = time.monotonic() + _EXIT_GRACE_S
    for stream in streams:
        stream.join(max(0.0, deadline - time.monotonic()))
