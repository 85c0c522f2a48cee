"""Lists of traces: the roots of a page, and the spans of their traces within the window."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from spanduck.server import catalogue as catalogues
from spanduck.server import statements
from spanduck.server.list_items import SpanWriter, select_columns, to_json
from spanduck.server.list_remarks import NONE, read_remarks
from spanduck.server.list_rows import Found, read_rows
from spanduck.server.list_stretches import TABLE_NUMBER, within
from spanduck.server.listing import find, next_page
from spanduck.server.values import SpanRows
from spanduck_sql.schema import PARENT_ID, SPAN_ID, START_TIME, TRACE_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

    from spanduck.server.catalogue import ProjectCatalogue
    from spanduck.server.list_items import Audience
    from spanduck.server.list_query import ListQuery
    from spanduck.server.store import Store

SPANS_LIMIT: Final = 1_000
"""Most spans of one trace."""

PAGE_SPANS_LIMIT: Final = 10_000
"""Most spans of one page; the traces that come last are cut, and say so."""


def list_traces(store: Store, query: ListQuery, audience: Audience) -> bytes:
    """Answer a call of `POST /v2/traces`.

    An entry stands for a root: a trace with two is listed twice, and one whose root does not lie in
    the window is not.

    Args:
        store: The store.
        query: The call.
        audience: Who reads the answer.

    Raises:
        NotFoundError: There is no such project.
        RequestError: The filter does not fit the project.
    """
    with store.reading() as cursor:
        project = catalogues.project_by_id(cursor, query.request.project_id)
        catalogue = store.catalogues.get(cursor, project)
        found = find(cursor, catalogue, query, are_roots=True)
        roots = found[: query.limit]
        by_trace, cut = _spans(cursor, catalogue, query, roots)
        selection = select_columns(catalogue, query.request)
        spans = [item for items in by_trace.values() for item in items]
        rows = read_rows(cursor, catalogue, selection, spans)
        remarks = read_remarks(cursor, catalogue, selection, [item.span for item in spans])
    writer = SpanWriter(selection, longest=None, audience=audience)
    shown = {
        trace: [
            writer.span(rows[item.table, item.row_id], remarks.get(item.span, NONE))
            for item in items
        ]
        for trace, items in by_trace.items()
    }
    traces = [_entry(root, shown[_trace(root)], _trace(root) in cut) for root in roots]
    return to_json({"traces": traces, "pagination": next_page(query, found)})


# `Any`: JSON.
def _entry(root: Found, spans: list[dict[str, Any]], is_cut: bool) -> dict[str, Any]:
    return {
        "trace_id": root.trace,
        "root_span_id": root.span,
        "start_time": min(span["start_time"] for span in spans),
        "end_time": max((span["end_time"] for span in spans if span["end_time"]), default=None),
        "spans_truncated": is_cut,
        "spans": spans,
    }


def _trace(item: Found) -> str:
    # A span without a trace is one by itself.
    return item.trace or item.span


def _spans(
    cursor: DuckDBPyConnection,
    catalogue: ProjectCatalogue,
    query: ListQuery,
    roots: Sequence[Found],
) -> tuple[dict[str, list[Found]], set[str]]:
    """Return the spans of each trace, the earliest first, and the traces that lack some.

    A root is never left out.
    """
    traces = list(dict.fromkeys(_trace(root) for root in roots))
    by_trace: dict[str, list[Found]] = {trace: [] for trace in traces}
    if not traces:
        return by_trace, set()
    values = {
        "traces": traces,
        "first": query.start_ns,
        "end": query.end_ns,
        "most": SPANS_LIMIT + 1,
    }
    for row in cursor.execute(_members(catalogue), values).fetchall():
        item = Found(*row)
        by_trace[_trace(item)].append(item)
    wanted = Counter(_trace(root) for root in roots)
    left = PAGE_SPANS_LIMIT
    cut: set[str] = set()
    for trace, items in by_trace.items():
        limit = max(min(SPANS_LIMIT, left), wanted[trace])
        if len(items) > limit:
            cut.add(trace)
            # Roots come first until here, so that they are kept.
            del items[limit:]
        left -= len(items)
        items.sort(key=lambda item: (item.start, item.span))
    return by_trace, cut


@lru_cache(maxsize=64)
def _members(catalogue: ProjectCatalogue) -> str:
    """Return what finds the spans of some traces in the window: of each at most so many."""
    rows = SpanRows(catalogue)
    empty = exp.Literal.string("")
    trace = exp.Coalesce(this=rows.value(TRACE_ID), expressions=[empty])
    keys = {
        "start_key": rows.value(START_TIME),
        "trace_key": trace,
        "span_key": rows.value(SPAN_ID),
    }
    parent = exp.Coalesce(this=rows.value(PARENT_ID), expressions=[empty.copy()])
    query = exp.select(
        *(value.as_(name, quoted=True) for name, value in keys.items()),
        statements.column(TABLE_NUMBER),
        statements.column(statements.ROW_ID),
        rows.trace().as_("member_of", quoted=True),
        parent.eq(empty.copy()).as_("is_root", quoted=True),
    )
    listed = exp.select(statements.function("unnest", exp.Placeholder(this="traces")))
    query = rows.joined(
        query.where(rows.trace().isin(listed), copy=False), part=within("first", "end")
    )
    order = [
        exp.Ordered(this=statements.column("is_root"), desc=True),
        statements.column("start_key"),
        statements.column("span_key"),
    ]
    place = exp.Window(
        this=exp.RowNumber(),
        partition_by=[statements.column("member_of")],
        order=exp.Order(expressions=order),
    )
    named = [*keys, TABLE_NUMBER, statements.ROW_ID]
    return statements.sql(
        exp.select(*map(statements.column, named))
        .from_(query.subquery("members"))
        .qualify(exp.LTE(this=place, expression=exp.Placeholder(this="most")))
        .order_by(*(item.copy() for item in order))
    )
