"""Write-backs over Flight: the stream is received whole, then stored in one transaction."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from spanduck.server import catalogue, metadata
from spanduck.server.annotations import annotation_columns, merge_annotations
from spanduck.server.check import check
from spanduck.server.columns import evaluation_columns
from spanduck.server.errors import RequestError
from spanduck.server.evaluations import Merged, merge
from spanduck.server.spool import Spool
from spanduck_sql.schema import SPAN_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pyarrow.flight as fl  # noqa: TID251 - this is the server
    from duckdb import DuckDBPyConnection

    from spanduck._wire import WriteCommand
    from spanduck.server.catalogue import ProjectCatalogue
    from spanduck.server.check import Findings
    from spanduck.server.spool import IncomingColumn
    from spanduck.server.store import Store

_WrittenT = TypeVar("_WrittenT")


def store_evaluations(
    store: Store,
    command: WriteCommand,
    reader: fl.MetadataRecordBatchReader,
    context: fl.ServerCallContext,
) -> Merged:
    """Receive a stream of evaluations and merge it; durable when this returns.

    Raises:
        RequestError: A column is missing or of an impossible type, or a row has no span id.
    """

    def merged(cursor: DuckDBPyConnection, project: ProjectCatalogue, body: _Body) -> Merged:
        return merge(
            cursor,
            project,
            body.spool,
            body.span_id,
            body.columns,
            with_nan=body.findings.with_nan,
            is_repeated=body.findings.keep is not None,
        )

    return _stored(store, command, reader, context, pick=evaluation_columns, write=merged)


def store_annotations(
    store: Store,
    command: WriteCommand,
    reader: fl.MetadataRecordBatchReader,
    context: fl.ServerCallContext,
) -> Merged:
    """Receive a stream of annotations and merge it; durable when this returns.

    Raises:
        RequestError: A column is missing or of an impossible type, or a row has no span id.
    """

    def merged(cursor: DuckDBPyConnection, project: ProjectCatalogue, body: _Body) -> Merged:
        return merge_annotations(
            cursor,
            project,
            body.spool,
            body.span_id,
            body.columns,
            strict_configs=store.strict_configs,
            is_repeated=body.findings.keep is not None,
        )

    return _stored(store, command, reader, context, pick=annotation_columns, write=merged)


def store_metadata(
    store: Store,
    command: WriteCommand,
    reader: fl.MetadataRecordBatchReader,
    context: fl.ServerCallContext,
) -> metadata.Patched:
    """Receive a stream of metadata patches and apply them; durable when this returns.

    Raises:
        RequestError: A column is missing or of an impossible type, or a row has no span id.
    """

    def patched(
        cursor: DuckDBPyConnection, project: ProjectCatalogue, body: _Body
    ) -> metadata.Patched:
        return metadata.patch(cursor, project, body.spool, body.span_id, body.columns[0])

    pick = metadata.patch_column
    return _stored(store, command, reader, context, pick=pick, write=patched)


@dataclass(frozen=True)
class _Body:
    """A received body, looked through once."""

    spool: Spool
    span_id: IncomingColumn
    columns: tuple[IncomingColumn, ...]
    findings: Findings


def _stored(
    store: Store,
    command: WriteCommand,
    reader: fl.MetadataRecordBatchReader,
    context: fl.ServerCallContext,
    *,
    pick: Callable[[Spool], tuple[IncomingColumn, ...]],
    write: Callable[[DuckDBPyConnection, ProjectCatalogue, _Body], _WrittenT],
) -> _WrittenT:
    """Receive a stream, and write the columns that `pick` finds in one transaction.

    The rows go to a file first: the writer's lock is not held while a slow client sends, a stream
    that breaks stores nothing, and memory does not grow with the rows.

    Raises:
        RequestError: A column is missing or of an impossible type, or a row has no span id.
    """
    with store.reading() as cursor:
        # Before the rows are received: a wrong name should not cost a whole upload.
        space = catalogue.find_space(cursor, command.space)
        catalogue.find_project(cursor, space.id, command.project)
    with _received(store, reader) as path:
        if context.is_cancelled():
            # To the reader, a client that went away looks like one that has sent everything.
            raise RequestError("the stream was broken off before its end; nothing was written")
        spool = Spool.open(path)
        columns = pick(spool)
        id_name = command.row_id_column or SPAN_ID
        if id_name not in spool.schema.names:
            raise RequestError(
                f"the {command.kind} have no column {id_name!r}",
                next_step="Every row needs the id of its span.",
            )
        span_id = spool.column(id_name)
        findings = check(spool, (span_id, *columns), id_name=id_name, with_spans=False)
        with store.writing() as cursor:
            project = catalogue.find_project(cursor, space.id, command.project)
            body = _Body(spool, span_id, columns, findings)
            return write(cursor, catalogue.load(cursor, project), body)


@contextmanager
def _received(store: Store, reader: fl.MetadataRecordBatchReader) -> Iterator[Path]:
    path = store.new_scratch_file()
    try:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, reader.schema) as writer:
            for chunk in reader:
                if chunk.data is not None:
                    writer.write_batch(chunk.data)
        yield path
    finally:
        path.unlink(missing_ok=True)
