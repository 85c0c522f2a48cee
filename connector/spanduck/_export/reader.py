"""A record batch reader whose `close` ends the export behind it."""

from __future__ import annotations

import io
import weakref
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class ExportReader(pa.ipc.RecordBatchStreamReader):  # type: ignore[misc]  # pyarrow is untyped
    """The batches of an export as a `pyarrow.RecordBatchReader`.

    `RecordBatchReader.from_batches` would do, but closing such a reader closes nothing: the
    export would stay open at the service until the reader is garbage. Coming in by the C stream
    interface it would close, but its errors would be bare `OSError`s. So the batches pass through
    Arrow's stream format in memory, one copy of each, which keeps both. (A subclass with a reader
    of its own inside cannot be made in Python.)

    Args:
        schema: Of the batches.
        batches: Taken one by one as they are read.
        on_close: Called once: at the end, at an error, on `close`, or when the reader is garbage.
        total_rows: Rows that the service has announced; None when it did not.
    """

    def __init__(
        self,
        schema: pa.Schema,
        batches: Iterator[pa.RecordBatch],
        on_close: Callable[[], None],
        *,
        total_rows: int | None = None,
    ) -> None:
        source = _Source(schema, batches, on_close)
        self._end = source.end
        self.total_rows = total_rows
        super().__init__(source)

    def close(self) -> None:
        """Cancel what was not read, at the service too; calling it again does nothing."""
        self._end()
        super().close()


class _Source:
    """A file of Arrow's stream format that is written as it is read."""

    def __init__(
        self,
        schema: pa.Schema,
        batches: Iterator[pa.RecordBatch],
        on_close: Callable[[], None],
    ) -> None:
        self.closed = False
        self.end = weakref.finalize(self, on_close)
        # Whoever opened the export closes it when the interpreter ends.
        self.end.atexit = False
        self._messages = _messages(schema, batches)
        self._unread = pa.py_buffer(b"")
        self._has_ended = False

    def readable(self) -> bool:
        return True

    def read(self, size: int) -> pa.Buffer:
        """Return so many bytes, fewer only at the end; a message is not copied."""
        if not self._unread.size:
            self._unread = self._next()
        if self._unread.size < size and not self._has_ended:
            # Never for a message that is read as Arrow reads it: its length, its head, its body.
            pieces = [self._unread.to_pybytes()]
            while size > sum(map(len, pieces)) and not self._has_ended:
                pieces.append(self._next().to_pybytes())
            self._unread = pa.py_buffer(b"".join(pieces))
        piece = self._unread.slice(0, min(size, self._unread.size))
        self._unread = self._unread.slice(piece.size)
        return piece

    def close(self) -> None:
        self.closed = True
        self.end()

    def _next(self) -> pa.Buffer:
        if self._has_ended:
            return pa.py_buffer(b"")
        if not self.end.alive:
            raise pa.ArrowInvalid("the reader is closed")
        try:
            message = next(self._messages, None)
        except BaseException:
            self._has_ended = True
            self.end()
            raise
        if message is None:
            self._has_ended = True
            self.end()
            return pa.py_buffer(b"")
        return message


def _messages(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Buffer]:
    if not any(map(_has_dictionary, schema)):
        yield schema.serialize()
        for batch in batches:
            yield batch.serialize()
        return
    # Dictionaries are messages of their own, which only a writer makes.
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            yield pa.py_buffer(sink.getvalue())
            sink.seek(0)
            sink.truncate()
    # What marks the end is not passed on: the end of the messages does, and closes the source.


def _has_dictionary(field: pa.Field) -> bool:
    kind = field.type
    if pa.types.is_dictionary(kind):
        return True
    return any(_has_dictionary(kind.field(number)) for number in range(kind.num_fields))
