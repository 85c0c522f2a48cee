"""A frame of evaluations to the service, all of it checked before any of it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanduck._wire import WriteCommand, WriteKind
from spanduck._write.frame_values import Sending, send_frame
from spanduck._write.rules import BATCH_ROWS

if TYPE_CHECKING:
    import pyarrow as pa

    from spanduck._transport.flight import FlightTransport
    from spanduck._transport.rest import RestTransport
    from spanduck.types import UpdateResponse


def update_evaluations(
    flight: FlightTransport,
    rest: RestTransport,
    *,
    project: str,
    space: str,
    reader: pa.RecordBatchReader,
    validate: bool,
    force_http: bool,
    batch_rows: int = BATCH_ROWS,
    timeout_s: float | None = None,
    tmp_dir: str = "",
) -> UpdateResponse:
    """Write a wide or a long frame of evaluations; calls and errors as of `send_frame`.

    Args:
        flight: Sends the calls.
        rest: Sends them with `force_http`, and finds near matches of an unknown project.
        project: Name of the project.
        space: Id of the space.
        reader: `context.span_id` (or `span_id`), and either columns `eval.<name>.label`, `.score`,
            `.explanation`, or `name` with `label`, `score`, `explanation` and `level`; in plain
            types; used up. A null or NaN says nothing.
        validate: Check the values first; columns and names are checked in any case.
        force_http: Post to the upload endpoint, which does not tell what became of the rows: all
            that were sent count as updated then.
        batch_rows: Most rows of a record batch.
        timeout_s: Longest wait for the answer to a call; `write_timeout_s` by default.
        tmp_dir: Folder, or file, for the rows on their way.
    """
    sending = Sending(
        flight,
        rest,
        WriteCommand(WriteKind.EVALUATIONS, space=space, project=project),
        validate=validate,
        force_http=force_http,
        batch_rows=batch_rows,
        timeout_s=timeout_s,
        tmp_dir=tmp_dir,
    )
    return send_frame(sending, reader)
