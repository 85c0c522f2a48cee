"""A frame of annotations to the service, all of it checked before any of it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanduck._wire import WriteCommand, WriteKind
from spanduck._write.frame_values import Sending, send_frame

if TYPE_CHECKING:
    import pyarrow as pa

    from spanduck._transport.flight import FlightTransport
    from spanduck._transport.rest import RestTransport
    from spanduck.types import UpdateResponse


def update_annotations(
    flight: FlightTransport,
    rest: RestTransport,
    *,
    project: str,
    space: str,
    reader: pa.RecordBatchReader,
    validate: bool,
    timeout_s: float | None = None,
) -> UpdateResponse:
    """Write a wide or a long frame of annotations, or notes; calls and errors as of `send_frame`.

    Args:
        flight: Sends the calls.
        rest: Finds near matches of an unknown project.
        project: Name of the project.
        space: Id of the space.
        reader: `context.span_id` (or `span_id`), and either columns `annotation.<name>.label`,
            `.score`, `.text`, `.updated_by`, `.updated_at` and `annotation.notes`, or `name` with
            `label`, `score`, `text`, `updated_by`, `updated_at`; in plain types; used up.
        validate: Check the values first; columns and names are checked in any case.
        timeout_s: Longest wait for the answer to a call; `write_timeout_s` by default.
    """
    command = WriteCommand(WriteKind.ANNOTATIONS, space=space, project=project)
    sending = Sending(flight, rest, command, validate=validate, timeout_s=timeout_s)
    return send_frame(sending, reader)
