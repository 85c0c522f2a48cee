"""Deleting spans by their ids, with everything that was said of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from sqlglot import exp

from spanduck._wire import DELETE_LIMIT, DeleteRequest, DeleteResult, WireError
from spanduck.server import catalogue as catalogues
from spanduck.server import projects, statements
from spanduck.server.catalogue import Role
from spanduck.server.errors import UnprocessableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from duckdb import DuckDBPyConnection

    from spanduck.server.catalogue import ProjectCatalogue
    from spanduck.server.store import Store

_LOOK_BACK: Final = timedelta(days=2 * 365)
_NS: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Deleted:
    """What a delete came to.

    Attributes:
        project: The number of the project.
        result: What is answered.
    """

    project: int
    result: DeleteResult


def read_request(body: bytes) -> DeleteRequest:
    """Read and check the body of a delete.

    Raises:
        WireError: No JSON object.
        UnprocessableError: A member is missing or out of its range.
    """
    try:
        request = DeleteRequest.from_json(body)
    except WireError as exc:
        if exc.what == "body":
            raise
        raise UnprocessableError(exc.message) from exc
    count = len(request.span_ids)
    if not 1 <= count <= DELETE_LIMIT:
        raise UnprocessableError(
            f"span_ids has {count:,} ids", next_step=f"Send 1 to {DELETE_LIMIT:,} in one call."
        )
    start, end = request.start_time, request.end_time
    if start is not None and end is not None and start >= end:
        raise UnprocessableError(
            f"start_time {start.isoformat()} is not before end_time {end.isoformat()}",
            next_step="The window includes its start and excludes its end.",
        )
    return request


def delete(store: Store, request: DeleteRequest) -> Deleted:
    """Delete spans in one transaction; durable when this returns.

    What was said of a span goes with it: its evaluations and whatever else lies in tables beside
    those of spans.

    Raises:
        NotFoundError: There is no such project.
    """
    now = datetime.now(UTC)
    start = now - _LOOK_BACK if request.start_time is None else request.start_time
    end = now if request.end_time is None else request.end_time
    wanted = tuple(dict.fromkeys(request.span_ids))
    with store.writing() as cursor:
        project = catalogues.project_by_id(cursor, request.project_id)
        catalogue = store.catalogues.get(cursor, project)
        cursor.execute("SET VARIABLE window_start = ?::BIGINT", [_epoch_ns(start)])
        cursor.execute("SET VARIABLE window_end = ?::BIGINT", [_epoch_ns(end)])
        gone = _delete_spans(cursor, catalogue, wanted)
        if gone:
            _delete_said(cursor, catalogue, gone)
    result = DeleteResult(
        completed=True,
        deleted_span_ids=tuple(id_ for id_ in wanted if id_ in gone),
        not_deleted_span_ids=tuple(id_ for id_ in wanted if id_ not in gone),
    )
    return Deleted(project.number, result)


def _delete_spans(
    cursor: DuckDBPyConnection, catalogue: ProjectCatalogue, wanted: Sequence[str]
) -> set[str]:
    """Delete the spans of these ids that start in the window; return the ids of those deleted."""
    gone: set[str] = set()
    cursor.register("wanted", pa.table({"span_id": pa.array(wanted, pa.string())}))
    for table in catalogue.span_tables:
        found = f"found_{table.number}"
        cursor.execute(statements.find_spans(found, table.name, "wanted"))
        rows = cursor.execute(statements.select([exp.column("span_id")], found)).fetchall()
        if rows:
            cursor.execute(statements.delete_found(table.name, found))
            projects.add_dead_rows(cursor, table.name, len(rows))
            gone.update(row[0] for row in rows)
    cursor.unregister("wanted")
    return gone


def _delete_said(
    cursor: DuckDBPyConnection, catalogue: ProjectCatalogue, gone: Iterable[str]
) -> None:
    cursor.register("gone", pa.table({"span_id": pa.array(list(gone), pa.string())}))
    for table in catalogue.tables:
        if table.role is not Role.SPANS:
            text = statements.delete_spans(table.name, "gone")
            dead = cursor.execute(text).fetchall()[0][0]
            projects.add_dead_rows(cursor, table.name, dead)
    cursor.unregister("gone")


def _epoch_ns(moment: datetime) -> int:
    # Integer arithmetic: a double has no room for nanoseconds.
    since = moment - _EPOCH
    ns = (since.days * 86_400 + since.seconds) * _NS + since.microseconds * 1_000
    return max(-(2**63), min(2**63 - 1, ns))
