"""Write-backs over Flight: the stream is received whole, then stored in one transaction."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import pyarrow as pa

from spanduck._wire import WriteKind
from spanduck.server import catalogue, metadata
from spanduck.server.annotations import annotation_columns, merge_annotations
from spanduck.server.check import check
from spanduck.server.columns import evaluation_columns
from spanduck.server.errors import RequestError
from spanduck.server.evaluations import merge
from spanduck.server.spool import Spool
from spanduck_sql.schema import SPAN_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pyarrow.flight as fl  # noqa: TID251 - this is the server
    from duckdb import DuckDBPyConnection

    from spanduck._wire import MetadataResult, UpdateResult, WriteCommand
    from spanduck.server.catalogue import ProjectCatalogue
    from spanduck.server.check import Findings
    from spanduck.server.spool import IncomingColumn
    from spanduck.server.store import Store


class _Result(Protocol):
    def to_bytes(self) -> bytes: ...


@dataclass(frozen=True)
class Stored:
    """What a call came to.

    Attributes:
        project: The number of the project.
        result: What is answered.
    """

    project: int
    result: _Result


@dataclass(frozen=True)
class _Body:
    """A received body, looked through once."""

    spool: Spool
    span_id: IncomingColumn
    columns: tuple[IncomingColumn, ...]
    findings: Findings

    @property
    def is_repeated(self) -> bool:
        """Whether an id may occur more than once."""
        return self.findings.keep is not None


@dataclass(frozen=True)
class _Kind:
    """How one kind of values is stored: its columns of a body, and what merges them."""

    pick: Callable[[Spool], tuple[IncomingColumn, ...]]
    write: Callable[[Store, DuckDBPyConnection, ProjectCatalogue, _Body], _Result]


def _evaluations(
    store: Store, cursor: DuckDBPyConnection, project: ProjectCatalogue, body: _Body
) -> UpdateResult:
    del store
    return merge(
        cursor,
        project,
        body.spool,
        body.span_id,
        body.columns,
        with_nan=body.findings.with_nan,
        is_repeated=body.is_repeated,
    )


def _annotations(
    store: Store, cursor: DuckDBPyConnection, project: ProjectCatalogue, body: _Body
) -> UpdateResult:
    return merge_annotations(
        cursor,
        project,
        body.spool,
        body.span_id,
        body.columns,
        strict_configs=store.strict_configs,
        is_repeated=body.is_repeated,
    )


def _metadata(
    store: Store, cursor: DuckDBPyConnection, project: ProjectCatalogue, body: _Body
) -> MetadataResult:
    del store
    return metadata.patch(cursor, project, body.spool, body.span_id, body.columns[0])


_BY_KIND: Final = {
    WriteKind.EVALUATIONS: _Kind(evaluation_columns, _evaluations),
    WriteKind.ANNOTATIONS: _Kind(annotation_columns, _annotations),
    WriteKind.METADATA: _Kind(metadata.patch_column, _metadata),
}


def store_values(
    store: Store,
    command: WriteCommand,
    reader: fl.MetadataRecordBatchReader,
    context: fl.ServerCallContext,
) -> Stored:
    """Receive a stream of values, and write it in one transaction; durable when this returns.

    The rows go to a file first: the writer's lock is not held while a slow client sends, a stream
    that breaks stores nothing, and memory does not grow with the rows.

    Raises:
        RequestError: A column is missing or of an impossible type, or a row has no span id.
    """
    kind = _BY_KIND[command.kind]
    with store.reading() as cursor:
        # Before the rows are received: a wrong name should not cost a whole upload.
        space = catalogue.find_space(cursor, command.space)
        catalogue.find_project(cursor, space.id, command.project)
    with _received(store, reader) as path:
        if context.is_cancelled():
            # To the reader, a client that went away looks like one that has sent everything.
            raise RequestError("the stream was broken off before its end; nothing was written")
        spool = Spool.open(path)
        columns = kind.pick(spool)
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
            result = kind.write(store, cursor, catalogue.load(cursor, project), body)
        return Stored(project.number, result)


@contextmanager
def _received(store: Store, reader: fl.MetadataRecordBatchReader) -> Iterator[Path]:
    path = store.new_scratch_file()
    try:
        batches = (chunk.data for chunk in reader if chunk.data is not None)
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, reader.schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
        yield path
    finally:
        path.unlink(missing_ok=True)
