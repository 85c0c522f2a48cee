"""A frame of evaluations or annotations to the service, all of it checked before any is sent."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from spanduck._upload.parts import scratch, write_parts
from spanduck._upload.prepare import cut
from spanduck._upload.problems import Problems
from spanduck._upload.values.check import ValueChecks
from spanduck._upload.values.columns import note_unknown, read_frame
from spanduck._upload.values.kinds import ANNOTATIONS, EVALUATIONS
from spanduck._upload.values.wide import WideFrame
from spanduck._wire import UPLOAD_SCHEMA_KEY, WriteCommand, WriteKind, upload_schema_text
from spanduck._write.calls import near_matches, put
from spanduck._write.long_values import LongValues
from spanduck._write.rules import BATCH_BYTES, BATCH_ROWS
from spanduck.exceptions import ServiceError, ValidationError
from spanduck.types import UpdateResponse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from spanduck._transport.flight import FlightTransport
    from spanduck._transport.rest import RestTransport
    from spanduck._upload.parts import Part, Scratch
    from spanduck._upload.values.kinds import ValueKind

_KIND_BY_WRITE: Final[dict[WriteKind, ValueKind]] = {
    WriteKind.EVALUATIONS: EVALUATIONS,
    WriteKind.ANNOTATIONS: ANNOTATIONS,
}


@dataclass(frozen=True)
class Sending:
    """Where a frame goes, and how.

    Attributes:
        flight: Sends the calls.
        rest: Sends them with `force_http`, and finds near matches of an unknown project.
        command: What is written, and the names of project and space.
        validate: Check the values first; columns and names are checked in any case.
        force_http: Post to the upload endpoint, which does not tell what became of the rows: all
            that were sent count as updated then.
        timeout_s: Longest wait for the answer to a call; `write_timeout_s` by default.
        tmp_dir: Folder, or file, for the rows on their way.
    """

    flight: FlightTransport
    rest: RestTransport
    command: WriteCommand
    validate: bool
    force_http: bool = False
    timeout_s: float | None = None
    tmp_dir: str = ""


def send_frame(sending: Sending, reader: pa.RecordBatchReader) -> UpdateResponse:
    """Write the rows of a frame.

    They pass through files, so memory does not grow with them. A wide frame is one call, which is
    all or nothing; a long one a call for each 32 names, and none where no row says anything. With
    `force_http` a call is at most 100,000 rows. Calls that were made before one that fails stay.

    Args:
        sending: Where to, and how.
        reader: Rows in plain types; used up.

    Raises:
        ValidationError: With every problem found; nothing was sent.
        UnknownProjectError: No such project or space.
        OutcomeUnknownError: The connection broke after data was sent.
        ServiceError: The service refuses.
    """
    rest, command = sending.rest, sending.command
    if not command.project.strip():
        raise ValidationError("the project's name is blank", next_step="Pass project_name=.")
    kind = _KIND_BY_WRITE[command.kind]
    problems = Problems("dataframe")
    unknown = partial(_note_unknown, kind, problems, list(reader.schema.names))
    frame = read_frame(reader.schema, kind, problems, on_unknown=unknown)
    # A frame whose columns are wrong has no values to look at.
    problems.raise_if_any()
    assert frame is not None  # noqa: S101 - or there was a problem
    now_ms = time.time_ns() // 1_000_000
    checks = ValueChecks(kind, problems, now_ms) if sending.validate else None
    with scratch(sending.tmp_dir) as files, near_matches(rest, command.project, command.space):
        if isinstance(frame, WideFrame):
            rows = _checked(reader, frame, checks, now_ms)
            parts = _parts(rows, frame.schema(), files, sending)
            _finish(checks, problems)
            return _send(parts, frame.schema(), sending)
        with LongValues(frame, reader, problems, checks) as values:
            _finish(checks, problems)
            return _send_groups(values, files, sending, now_ms)


def _note_unknown(kind: ValueKind, problems: Problems, names: list[str], name: str) -> None:
    note_unknown(kind, problems, name, names)


def _finish(checks: ValueChecks | None, problems: Problems) -> None:
    if checks is not None:
        checks.finish()
    problems.raise_if_any()


def _checked(
    reader: pa.RecordBatchReader, frame: WideFrame, checks: ValueChecks | None, now_ms: int
) -> Iterator[pa.RecordBatch]:
    first_row = 0
    for given in reader:
        batch = frame.sent(given, now_ms)
        if checks is not None:
            frame.check(batch, first_row, checks)
        first_row += len(batch)
        yield batch


def _parts(
    rows: Iterable[pa.RecordBatch], schema: pa.Schema, files: Scratch, sending: Sending
) -> list[Part]:
    pieces = (
        (piece, len(piece))
        for batch in rows
        for piece in cut(batch, rows=BATCH_ROWS, size_bytes=BATCH_BYTES)
    )
    sent = _with_metadata(schema, sending)
    return list(write_parts(pieces, sent, scratch=files, batch_rows=BATCH_ROWS))


def _with_metadata(schema: pa.Schema, sending: Sending) -> pa.Schema:
    return schema.with_metadata({UPLOAD_SCHEMA_KEY: upload_schema_text(sending.command.project)})


def _send_groups(
    values: LongValues, files: Scratch, sending: Sending, now_ms: int
) -> UpdateResponse:
    answers: list[UpdateResponse] = []
    for slots in values.groups():
        schema = values.rows.wire_schema(slots)
        parts = _parts(values.wide(slots, now_ms), schema, files, sending)
        answers.append(_one_of_many(parts, schema, sending, stored=len(answers)))
        for part in parts:
            files.discard(part)
    return _together(answers)


def _one_of_many(
    parts: list[Part], schema: pa.Schema, sending: Sending, *, stored: int
) -> UpdateResponse:
    try:
        return _send(parts, schema, sending)
    except ServiceError as exc:
        if stored:
            exc.next_step = (
                f"Calls before it are stored ({stored}, of other names); to write them again does"
                f" no harm. {exc.next_step}".rstrip()
            )
        raise


def _send(parts: list[Part], schema: pa.Schema, sending: Sending) -> UpdateResponse:
    if sending.force_http:
        return _post(parts, sending)
    sent = _with_metadata(schema, sending)
    return put(sending.flight, sending.command, sent, parts, timeout_s=sending.timeout_s)


def _post(parts: list[Part], sending: Sending) -> UpdateResponse:
    status = size = rows = 0
    for part in parts:
        receipt = sending.rest.upload(
            part.path, space=sending.command.space, rows=part.rows, timeout_s=sending.timeout_s
        )
        status, size, rows = receipt.status_code, size + receipt.size_bytes, rows + part.rows
    return UpdateResponse(status, records_updated=rows, calls=len(parts), size_bytes=size)


def _together(answers: list[UpdateResponse]) -> UpdateResponse:
    if len(answers) == 1:
        return answers[0]
    unmatched = dict.fromkeys(span_id for answer in answers for span_id in answer.unmatched_ids)
    return replace(
        answers[-1] if answers else UpdateResponse(200),
        records_updated=sum(answer.records_updated for answer in answers),
        unmatched_ids=tuple(unmatched),
        calls=sum(answer.calls for answer in answers),
        size_bytes=sum(answer.size_bytes for answer in answers),
    )
