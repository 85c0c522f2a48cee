"""A frame of annotations to the service, all of it checked before any of it is sent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from spanduck._upload.parts import scratch, write_parts
from spanduck._upload.problems import Problems
from spanduck._wire import UPLOAD_SCHEMA_KEY, WriteCommand, WriteKind, upload_schema_text
from spanduck._write.annotation_frame import annotation_frame
from spanduck._write.calls import near_matches, put
from spanduck._write.pivot import cut
from spanduck._write.rules import BATCH_ROWS
from spanduck.exceptions import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from spanduck._transport.flight import FlightTransport
    from spanduck._transport.rest import RestTransport
    from spanduck._write.annotation_frame import AnnotationFrame
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
    """Write a wide frame of annotations and notes in one call, which is all or nothing.

    The rows pass through files, so memory does not grow with them.

    Args:
        flight: Sends the call.
        rest: Finds near matches of an unknown project.
        project: Name of the project.
        space: Id of the space.
        reader: `context.span_id` (or `span_id`), columns `annotation.<name>.label`, `.score`,
            `.text`, `.updated_by`, `.updated_at` and `annotation.notes` in plain types; used up.
        validate: Check the values first; the columns are checked in any case.
        timeout_s: Longest wait for the answer; `write_timeout_s` by default.

    Raises:
        ValidationError: With every problem found; nothing was sent.
        UnknownProjectError: No such project or space.
        OutcomeUnknownError: The connection broke after data was sent.
        ServiceError: The service refuses.
    """
    if not project.strip():
        raise ValidationError("the project's name is blank", next_step="Pass project_name=.")
    problems = Problems("dataframe")
    frame = annotation_frame(reader.schema, time.time_ns() // 1_000_000, problems)
    # A frame whose columns are wrong has no values to look at.
    problems.raise_if_any()
    assert frame is not None  # noqa: S101 - or there was a problem
    schema = frame.schema().with_metadata({UPLOAD_SCHEMA_KEY: upload_schema_text(project)})
    checked = _checked(reader, frame, problems if validate else None)
    with scratch("") as files:
        parts = list(write_parts(checked, schema, scratch=files, batch_rows=BATCH_ROWS))
        frame.check_empty(problems)
        problems.raise_if_any()
        command = WriteCommand(WriteKind.ANNOTATIONS, space=space, project=project)
        with near_matches(rest, project, space):
            return put(flight, command, schema, parts, timeout_s=timeout_s)


def _checked(
    reader: pa.RecordBatchReader, frame: AnnotationFrame, problems: Problems | None
) -> Iterator[tuple[pa.RecordBatch, int]]:
    first_row = 0
    for given in reader:
        batch = frame.sent(given, first_row, problems)
        first_row += len(batch)
        for piece in cut(batch, BATCH_ROWS):
            yield piece, len(piece)
