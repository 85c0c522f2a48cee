"""An export that the service has announced, and its stream while it is open."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Self

import pyarrow as pa

from spanduck._transport.flight_errors import translated


@dataclass(frozen=True)
class ExportInfo:
    """What the service announces about an export.

    Attributes:
        schema: Wire schema, or None when the service does not tell it before the stream.
        total_records: Rows of the snapshot the ticket names; negative when unknown.
        ticket: What `open_export` redeems; None when there is nothing to read.
    """

    schema: pa.Schema | None
    total_records: int
    ticket: bytes | None


class ExportStream:
    """One open export. Whoever opened it closes it; `cancel` may come from any thread."""

    # `Any`: pyarrow ships no types.
    def __init__(
        self, reader: Any, project: str, slots: threading.Semaphore, secret: str = ""
    ) -> None:
        self._reader = reader
        self._secret = secret
        self._project = project
        self._slots: threading.Semaphore | None = slots
        self._lock = threading.Lock()
        self.schema: pa.Schema = reader.schema

    def read(self) -> tuple[pa.RecordBatch | None, pa.Buffer | None] | None:
        """Return the next batch and its `app_metadata`, either of them None; None at the end.

        Waits as long as the service takes: call `cancel` from another thread to end that.
        """
        try:
            chunk = self._reader.read_chunk()
        except StopIteration:
            return None
        except (pa.ArrowException, OSError, KeyError) as exc:
            raise translated(
                exc, f"the export of {self._project!r}", is_read=True, secret=self._secret
            ) from exc
        return chunk.data, chunk.app_metadata

    def cancel(self) -> None:
        """End the call on both sides; a waiting `read` fails soon after."""
        self._reader.cancel()

    def close(self) -> None:
        """Cancel what was not read, and give the place back. Idempotent."""
        with self._lock:
            slots, self._slots = self._slots, None
        if slots is not None:
            self.cancel()
            slots.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
