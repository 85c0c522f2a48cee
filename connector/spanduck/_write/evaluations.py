"""A frame of evaluations to the service, all of it checked before any of it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._upload.parts import scratch, write_parts
from spanduck._upload.problems import Problems
from spanduck._wire import UPLOAD_SCHEMA_KEY, WriteCommand, WriteKind, upload_schema_text
from spanduck._write.calls import near_matches, put
from spanduck._write.check import FrameColumns, check_types, check_values, frame_columns
from spanduck._write.pivot import cut
from spanduck._write.rules import BATCH_ROWS
from spanduck.exceptions import ValidationError
from spanduck.types import UpdateResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanduck._transport.flight import FlightTransport
    from spanduck._transport.rest import RestTransport
    from spanduck._upload.parts import Part


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
    """Write a wide frame of evaluations: one call, or with `force_http` one for each 100,000 rows.

    The rows pass through files, so memory does not grow with them. A call is all or nothing; those
    by HTTP that were made before one that fails stay.

    Args:
        flight: Sends the call.
        rest: Sends it with `force_http`, and finds near matches of an unknown project.
        project: Name of the project.
        space: Id of the space.
        reader: `context.span_id` (or `span_id`) and columns `eval.<name>.label`, `.score`,
            `.explanation` in plain types; used up. A null or NaN says nothing.
        validate: Check the values first; the columns are checked in any case.
        force_http: Post to the upload endpoint, which does not tell what became of the rows: all
            that were sent count as updated then.
        batch_rows: Most rows of a record batch.
        timeout_s: Longest wait for the answer to a call; `write_timeout_s` by default.
        tmp_dir: Folder, or file, for the rows on their way.

    Raises:
        ValidationError: With every problem found; nothing was sent.
        UnknownProjectError: No such project or space.
        OutcomeUnknownError: The connection broke after data was sent.
        ServiceError: The service refuses.
    """
    if not project.strip():
        raise ValidationError("the project's name is blank", next_step="Pass project_name=.")
    problems = Problems("dataframe")
    columns = frame_columns(reader.schema, problems)
    if columns is not None:
        check_types(reader.schema, columns, problems)
    # A frame whose columns are wrong has no values to look at.
    problems.raise_if_any()
    assert columns is not None  # noqa: S101 - or there was a problem
    schema = columns.schema().with_metadata({UPLOAD_SCHEMA_KEY: upload_schema_text(project)})
    checked = _checked(reader, columns, problems if validate else None)
    with scratch(tmp_dir) as files:
        parts = list(write_parts(checked, schema, scratch=files, batch_rows=batch_rows))
        problems.raise_if_any()
        with near_matches(rest, project, space):
            if force_http:
                return _post(rest, parts, space=space, timeout_s=timeout_s)
            command = WriteCommand(WriteKind.EVALUATIONS, space=space, project=project)
            return put(flight, command, schema, parts, timeout_s=timeout_s)


def _checked(
    reader: pa.RecordBatchReader, columns: FrameColumns, problems: Problems | None
) -> Iterator[tuple[pa.RecordBatch, int]]:
    schema = columns.schema()
    first_row = 0
    positions = (columns.span_id, *columns.evaluations)
    for given in reader:
        arrays = [
            _sent(given.column(at), field.type) for at, field in zip(positions, schema, strict=True)
        ]
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
        if problems is not None:
            check_values(batch, first_row, problems)
        first_row += len(batch)
        for piece in cut(batch, BATCH_ROWS):
            yield piece, len(piece)


def _sent(column: pa.Array, kind: pa.DataType) -> pa.Array:
    plain = column if column.type.equals(kind) else column.cast(kind, safe=False)
    if not pa.types.is_floating(kind):
        return plain
    # A NaN is how frames write that there is no number.
    return pc.if_else(pc.is_nan(plain), pa.nulls(len(plain), kind), plain)


def _post(
    rest: RestTransport, parts: list[Part], *, space: str, timeout_s: float | None
) -> UpdateResponse:
    status = size = rows = 0
    for part in parts:
        receipt = rest.upload(part.path, space=space, rows=part.rows, timeout_s=timeout_s)
        status, size, rows = receipt.status_code, size + receipt.size_bytes, rows + part.rows
    return UpdateResponse(status, records_updated=rows, calls=len(parts), size_bytes=size)
