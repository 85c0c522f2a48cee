"""One call of a write-back: rows from files to the service, and what it answers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from spanduck._wire import UpdateResult, WireError
from spanduck.exceptions import OutcomeUnknownError, UnknownProjectError
from spanduck.types import UpdateResponse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from spanduck._transport.flight import FlightTransport
    from spanduck._transport.rest import RestTransport
    from spanduck._upload.parts import Part
    from spanduck._wire import WriteCommand


@contextmanager
def near_matches(rest: RestTransport, project: str, space: str) -> Iterator[None]:
    """Name near matches when the service does not know the project."""
    try:
        yield
    except UnknownProjectError as exc:
        raise rest.unknown_project(project, space, cause=exc) from exc


def send(
    flight: FlightTransport,
    command: WriteCommand,
    schema: pa.Schema,
    parts: list[Part],
    *,
    timeout_s: float | None,
) -> tuple[bytes, int]:
    """Send the rows of files as one call; arguments and errors as of `put`.

    Returns:
        The answer, and the bytes of record batches that were sent.
    """
    sent = _Counted(_read(parts))
    return flight.put(command, schema, iter(sent), timeout_s=timeout_s), sent.size_bytes


def unreadable(command: WriteCommand, exc: WireError) -> OutcomeUnknownError:
    """Return the error of an answer that cannot be read."""
    return OutcomeUnknownError(
        f"the service's answer to the write-back to {command.project!r} cannot be read: "
        f"{exc.message}",
        next_step="Read the values back to see what it holds.",
    )


def put(
    flight: FlightTransport,
    command: WriteCommand,
    schema: pa.Schema,
    parts: list[Part],
    *,
    timeout_s: float | None,
) -> UpdateResponse:
    """Send the rows of files as one call.

    Args:
        flight: Sends it.
        command: What is written, and where.
        schema: Of the rows, with the metadata of the upload.
        parts: The files.
        timeout_s: Longest wait for the answer; `write_timeout_s` by default.

    Raises:
        OutcomeUnknownError: The connection broke after data was sent, or the answer cannot be read.
        ServiceError: The service refuses.
    """
    payload, size_bytes = send(flight, command, schema, parts, timeout_s=timeout_s)
    try:
        result = UpdateResult.from_bytes(payload)
    except WireError as exc:
        raise unreadable(command, exc) from exc
    return UpdateResponse(
        status_code=200,
        records_updated=result.records_updated,
        unmatched_ids=result.unmatched_ids,
        calls=1,
        size_bytes=size_bytes,
    )


def _read(parts: list[Part]) -> Iterator[pa.RecordBatch]:
    for part in parts:
        with pa.OSFile(str(part.path)) as file, pa.ipc.open_stream(file) as reader:
            yield from reader


class _Counted:
    """Batches that are counted as they go by."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._batches = batches
        self.size_bytes = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            self.size_bytes += batch.nbytes
            yield batch
