"""Annotating spans, traces and sessions by their ids: all records of a call, or none."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from sqlglot import exp

from spanduck._wire import (
    ANNOTATE_LIMIT,
    SESSIONS_LIMIT,
    AnnotateRequest,
    Granularity,
    WireError,
)
from spanduck.server import catalogue as catalogues
from spanduck.server import statements
from spanduck.server.annotations import merge_staged, register_annotations
from spanduck.server.errors import NotFoundError, RequestError, UnprocessableError
from spanduck.server.values import SpanRows
from spanduck_sql.schema import (
    ANNOTATION_FIELDS,
    ANNOTATION_VALUES,
    PARENT_ID,
    SPAN_ID,
    START_TIME,
    AnnotationColumn,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from duckdb import DuckDBPyConnection

    from spanduck.server.catalogue import ProjectCatalogue, StoredTable
    from spanduck.server.store import Store
    from spanduck.types import AnnotationInput

UPDATED_BY: Final = "API"
"""Who has annotated, in words: a key names nobody."""

_SESSION: Final = "attributes.session.id"
_WINDOW: Final = timedelta(days=31)
_SESSIONS_WINDOW: Final = timedelta(days=7)
# A client's clock may be a little ahead of ours.
_CLOCK_SKEW: Final = timedelta(seconds=60)
_NS: Final = 1_000_000_000
_SHOWN_IDS: Final = 5
_STAGED: Final = pa.schema(
    [
        ("record_id", pa.string()),
        ("name", pa.string()),
        ("label", pa.string()),
        ("score", pa.float64()),
        ("text", pa.string()),
        ("ordinal", pa.int64()),
    ]
)


@dataclass(frozen=True)
class _Window:
    start: datetime
    end: datetime


def read_request(body: bytes) -> AnnotateRequest:
    """Read and check the body of a call.

    Raises:
        WireError: No JSON object.
        RequestError: A record, or a name within one, is there twice.
        UnprocessableError: A member is missing or out of its range.
    """
    try:
        request = AnnotateRequest.from_json(body)
    except WireError as exc:
        if exc.what == "body":
            raise
        raise UnprocessableError(exc.message) from exc
    limit = SESSIONS_LIMIT if request.granularity is Granularity.SESSION else ANNOTATE_LIMIT
    count = len(request.annotations)
    if not 1 <= count <= limit:
        raise UnprocessableError(
            f"annotations has {count:,} records", next_step=f"Send 1 to {limit:,} in one call."
        )
    _refuse_repeated("record_id", (record.record_id for record in request.annotations))
    for record in request.annotations:
        _refuse_repeated(
            f"name of the record {record.record_id!r}", (value.name for value in record.values)
        )
        for value in record.values:
            if value.score is not None and not _is_finite(value.score):
                raise UnprocessableError(f"score is {value.score!r}, not a finite number")
    return request


def annotate(store: Store, request: AnnotateRequest) -> int:
    """Write annotations in one transaction; durable when this returns.

    Returns:
        The number of the project.

    Raises:
        NotFoundError: There is no such project, or a record is not in the window. Nothing was
            written.
        RequestError: A record of a trace is no root span.
        UnprocessableError: The window is none, too long, or in the future.
    """
    window = _window(request, datetime.now(UTC))
    with store.writing() as cursor:
        project = catalogues.project_by_id(cursor, request.project_id)
        catalogue = store.catalogues.get(cursor, project)
        span_by_record = _found(cursor, catalogue, request, window)
        _stage(cursor, request, span_by_record)
        columns = _columns(request)
        catalogue = register_annotations(cursor, catalogue, columns, _level(request))
        merge_staged(cursor, catalogue, strict_configs=store.strict_configs)
    return project.number


def _refuse_repeated(what: str, values: Iterable[str]) -> None:
    value, times = Counter(values).most_common(1)[0]
    if times > 1:
        raise RequestError(
            f"the {what} {value!r} is there {times} times", next_step="Send it once."
        )


def _is_finite(score: float) -> bool:
    try:
        return math.isfinite(score)
    except OverflowError:  # an integer beyond every double
        return False


def _window(request: AnnotateRequest, now: datetime) -> _Window:
    is_session = request.granularity is Granularity.SESSION
    longest = _SESSIONS_WINDOW if is_session else _WINDOW
    end = now if request.end_time is None else request.end_time
    start = end - longest if request.start_time is None else request.start_time
    for name, moment in (("start_time", start), ("end_time", end)):
        if moment > now + _CLOCK_SKEW:
            raise UnprocessableError(f"{name} {moment.isoformat()} is in the future")
    if start >= end:
        raise UnprocessableError(
            f"start_time {start.isoformat()} is not before end_time {end.isoformat()}"
        )
    if end - start > longest:
        raise UnprocessableError(
            f"the window is {end - start} long", next_step=f"It may be {longest.days} days long."
        )
    return _Window(start, end)


def _found(
    cursor: DuckDBPyConnection,
    catalogue: ProjectCatalogue,
    request: AnnotateRequest,
    window: _Window,
) -> Mapping[str, str]:
    """Return the id of the span that each record's annotations go to."""
    wanted = [record.record_id for record in request.annotations]
    cursor.execute("SET VARIABLE window_start = ?::BIGINT", [_epoch_ns(window.start)])
    cursor.execute("SET VARIABLE window_end = ?::BIGINT", [_epoch_ns(window.end)])
    if request.granularity is Granularity.SESSION:
        found = _roots_of_sessions(cursor, catalogue, wanted)
        _refuse_absent("session", wanted, found)
        return found
    parent_by_id = _spans(cursor, catalogue, wanted)
    _refuse_absent("span", wanted, parent_by_id)
    if request.granularity is Granularity.TRACE:
        for span_id, parent_id in parent_by_id.items():
            if parent_id:
                raise RequestError(
                    f"the span {span_id!r} is not the root of its trace",
                    next_step="Name a trace by the id of the span without a parent.",
                )
    return {span_id: span_id for span_id in wanted}


def _refuse_absent(what: str, wanted: Iterable[str], found: Collection[str]) -> None:
    absent = [record_id for record_id in wanted if record_id not in found]
    if absent:
        shown = ", ".join(map(repr, absent[:_SHOWN_IDS]))
        more = f" and {len(absent) - _SHOWN_IDS} more" if len(absent) > _SHOWN_IDS else ""
        raise NotFoundError(
            f"no {what} in the window has the id {shown}{more}; nothing was written",
            next_step="Widen start_time and end_time, or leave these records out.",
        )


def _spans(
    cursor: DuckDBPyConnection, catalogue: ProjectCatalogue, wanted: list[str]
) -> dict[str, str | None]:
    rows = SpanRows(catalogue)
    query = exp.select(rows.value(SPAN_ID), rows.value(PARENT_ID))
    cursor.register("wanted", pa.table({"id": pa.array(wanted, pa.string())}))

    def part(query: exp.Select, _: StoredTable) -> exp.Select:
        is_wanted = exp.column("span_id").isin(exp.select("id").from_("wanted"))
        return query.where(statements.in_window(), is_wanted, copy=False)

    found = cursor.execute(statements.sql(rows.joined(query, part=part))).fetchall()
    cursor.unregister("wanted")
    return dict(found)


def _roots_of_sessions(
    cursor: DuckDBPyConnection, catalogue: ProjectCatalogue, wanted: list[str]
) -> dict[str, str]:
    """Return the root of each session's earliest trace in the window."""
    rows = SpanRows(catalogue)
    session = statements.cast(rows.value(_SESSION), "VARCHAR")
    earliest = statements.function("arg_min", rows.trace(), rows.value(START_TIME))
    query = (
        exp.select(session.as_("session"), earliest.as_("trace"))
        .where(session.copy().isin(exp.select("id").from_("wanted")))
        .group_by(session.copy())
    )

    def in_window(query: exp.Select, _: StoredTable) -> exp.Select:
        return query.where(statements.in_window(), copy=False)

    cursor.register("wanted", pa.table({"id": pa.array(wanted, pa.string())}))
    text = statements.sql(rows.joined(query, part=in_window))
    trace_by_session = dict(cursor.execute(text).fetchall())
    cursor.unregister("wanted")
    root_by_trace = _roots(cursor, catalogue, list(trace_by_session.values()))
    return {
        session: root_by_trace[trace]
        for session, trace in trace_by_session.items()
        if trace in root_by_trace
    }


def _roots(
    cursor: DuckDBPyConnection, catalogue: ProjectCatalogue, traces: list[str]
) -> dict[str, str]:
    rows = SpanRows(catalogue)
    trace, no_parent = rows.trace(), exp.Literal.string("")
    first = statements.function("arg_min", rows.value(SPAN_ID), rows.value(START_TIME))
    query = (
        exp.select(trace.as_("trace"), first.as_("root"))
        .where(trace.copy().isin(exp.select("id").from_("wanted")))
        .where(exp.Coalesce(this=rows.value(PARENT_ID), expressions=[no_parent]).eq(no_parent))
        .group_by(trace.copy())
    )
    cursor.register("wanted", pa.table({"id": pa.array(traces, pa.string())}))
    found = cursor.execute(statements.sql(rows.joined(query))).fetchall()
    cursor.unregister("wanted")
    return dict(found)


def _level(request: AnnotateRequest) -> str:
    return (request.granularity or Granularity.SPAN).lower()


def _columns(request: AnnotateRequest) -> list[str]:
    """Return the columns that the annotations of a call have in an export."""
    return [
        AnnotationColumn(value.name, field).column
        for value in (value for record in request.annotations for value in record.values)
        if _says_anything(value)
        for field in ANNOTATION_FIELDS
        if field not in ANNOTATION_VALUES or getattr(value, field) is not None
    ]


def _says_anything(value: AnnotationInput) -> bool:
    return any(getattr(value, field) is not None for field in ANNOTATION_VALUES)


def _stage(
    cursor: DuckDBPyConnection,
    request: AnnotateRequest,
    span_by_record: Mapping[str, str],
) -> None:
    """Fill `staged` with a row for each annotation that says anything."""
    rows = [
        {**vars(value), "record_id": span_by_record[record.record_id], "ordinal": number}
        for number, record in enumerate(request.annotations)
        for value in record.values
        if _says_anything(value)
    ]
    cursor.register("said_by_id", pa.Table.from_pylist(rows, schema=_STAGED))
    cursor.execute(
        statements.script_on("annotate_staged", ()),
        {"level": _level(request), "updated_by": UPDATED_BY},
    )
    cursor.unregister("said_by_id")


def _epoch_ns(moment: datetime) -> int:
    # Integer arithmetic: a double has no room for nanoseconds.
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    ns = (since.days * 86_400 + since.seconds) * _NS + since.microseconds * 1_000
    return max(-(2**63), min(2**63 - 1, ns))
