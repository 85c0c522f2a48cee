"""A frame of metadata to the service, all of it checked before any of it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._upload.parts import scratch, write_parts
from spanduck._upload.problems import Problems
from spanduck._wire import (
    PATCH_DOCUMENT,
    UPLOAD_SCHEMA_KEY,
    MetadataResult,
    WireError,
    WriteCommand,
    WriteKind,
    upload_schema_text,
)
from spanduck._write.calls import near_matches, send, unreadable
from spanduck._write.patches import PatchColumns, Source, documents, patch_columns
from spanduck._write.rules import BATCH_ROWS
from spanduck.exceptions import ValidationError
from spanduck.types import MetadataResponse
from spanduck_sql.schema import SPAN_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanduck._transport.flight import FlightTransport
    from spanduck._transport.rest import RestTransport

_SCHEMA = pa.schema([(SPAN_ID, pa.string()), (PATCH_DOCUMENT, pa.string())])


def update_metadata(
    flight: FlightTransport,
    rest: RestTransport,
    *,
    project: str,
    space: str,
    # `Any`: rows come as whatever object their library has.
    data: Any,
    patch_document_column_name: str = PATCH_DOCUMENT,
    validate: bool,
    timeout_s: float | None = None,
) -> MetadataResponse:
    """Patch the metadata of spans: one call. A row that cannot be applied fails alone.

    Args:
        flight: Sends the call.
        rest: Finds near matches of an unknown project.
        project: Name of the project.
        space: Id of the space.
        data: `context.span_id` (or `span_id`) with columns `attributes.metadata.<key>`, a column
            of patches, or both; used up.
        patch_document_column_name: The column of patches.
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
    problems = Problems("dataframe", {"patch": patch_document_column_name})
    source = Source(data)
    columns = patch_columns(source.names, patch_document_column_name, problems)
    problems.raise_if_any()
    assert columns is not None  # noqa: S101 - or there was a problem
    schema = _SCHEMA.with_metadata({UPLOAD_SCHEMA_KEY: upload_schema_text(project)})
    made = _made(source, columns, problems if validate else None)
    with scratch("") as files:
        parts = list(write_parts(made, schema, scratch=files, batch_rows=BATCH_ROWS))
        problems.raise_if_any()
        command = WriteCommand(WriteKind.METADATA, space=space, project=project)
        with near_matches(rest, project, space):
            payload, size_bytes = send(flight, command, schema, parts, timeout_s=timeout_s)
    try:
        result = MetadataResult.from_bytes(payload)
    except WireError as exc:
        raise unreadable(command, exc) from exc
    return MetadataResponse(
        spans_processed=result.spans_processed,
        spans_updated=result.spans_updated,
        spans_failed=result.spans_failed,
        errors=[{"span_id": span_id, "error_message": reason} for span_id, reason in result.errors],
        size_bytes=size_bytes,
    )


def _made(
    source: Source, columns: PatchColumns, problems: Problems | None
) -> Iterator[tuple[pa.RecordBatch, int]]:
    first_row = 0
    for rows in source.rows(columns):
        ids = _ids(rows.span_ids, problems, first_row)
        patches = documents(rows, problems, first_row=first_row)
        first_row += len(ids)
        yield pa.RecordBatch.from_arrays([ids, patches], schema=_SCHEMA), len(ids)
    if problems is None:
        return
    if not first_row:
        problems.add(SPAN_ID, "there is no row", next_step="Pass at least one.")
        return
    for at, key in columns.fields.items():
        if not columns.is_said[key]:
            problems.add(
                columns.names[at],
                "every value is missing",
                next_step="To set a key to null in every row, name it in a patch.",
            )


def _ids(given: pa.Array, problems: Problems | None, first_row: int) -> pa.Array:
    is_text = pa.types.is_string(given.type) or pa.types.is_null(given.type)
    if problems is None:
        return given.cast(pa.string())
    if not is_text:
        problems.add(SPAN_ID, f"the column has the type {given.type}, not text")
        return pa.nulls(len(given), pa.string())
    ids = given.cast(pa.string())
    blank = pc.equal(pc.utf8_trim_whitespace(ids), "")
    for rule, bad in (("the id is missing", ids.is_null()), ("the id is blank", blank)):
        problems.add_rows(
            SPAN_ID, rule, bad, ids, first_row=first_row, next_step="Every row needs one."
        )
    return ids
