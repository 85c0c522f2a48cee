"""Lists of spans: which ones a page has, found by their keys, and then their rows."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import duckdb
from sqlglot import exp

from spanduck._wire import Pagination
from spanduck.server import catalogue as catalogues
from spanduck.server import filters, read_ahead, statements
from spanduck.server.errors import RequestError
from spanduck.server.list_items import SpanWriter, select_columns, to_json
from spanduck.server.list_newest import read_newest
from spanduck.server.list_remarks import NONE, read_remarks
from spanduck.server.list_rows import Found, read_rows
from spanduck.server.list_stretches import TABLE_NUMBER, stretches, within
from spanduck.server.read_ahead import Batch
from spanduck.server.values import SpanRows
from spanduck_sql.errors import FilterError
from spanduck_sql.schema import PARENT_ID, SPAN_ID, START_TIME, TRACE_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

    from spanduck.server.catalogue import ProjectCatalogue
    from spanduck.server.list_items import Audience, Selection
    from spanduck.server.list_query import ListQuery
    from spanduck.server.read_ahead import ReadAhead
    from spanduck.server.store import Store

# What is remembered of a filter is some ten times as long as its text.
_KEPT_FILTER: Final = 4_096


def list_spans(store: Store, query: ListQuery, audience: Audience, ahead: ReadAhead) -> bytes:
    """Answer a call of `POST /v2/spans`.

    Args:
        store: The store.
        query: The call.
        audience: Who reads the answer.
        ahead: What earlier calls have read for this one.

    Raises:
        NotFoundError: There is no such project.
        RequestError: The filter does not fit the project.
    """
    batch = None
    if query.after is not None:
        place = query.cursor(query.after)
        batch = ahead.take(place, commits=store.commits, limit=query.limit)
    if batch is None:
        batch = _read(store, query)
    page, rest = batch.found[: query.limit], batch.found[query.limit :]
    pagination = Pagination()
    if rest or not batch.is_last:
        pagination = Pagination(has_more=True, next_cursor=query.cursor(page[-1].key))
    if rest and pagination.next_cursor is not None:
        ahead.keep(pagination.next_cursor, replace(batch, found=rest))
    longest = query.request.truncate_string_length
    writer = SpanWriter(batch.selection, longest=longest, audience=audience)
    spans = [
        writer.span(batch.rows[item.table, item.row_id], batch.remarks.get(item.span, NONE))
        for item in page
    ]
    return to_json({"spans": spans, "pagination": pagination.to_dict()})


def _read(store: Store, query: ListQuery) -> Batch:
    """Read a page and, when it is not the first of a walk, some of those after it."""
    # Before the transaction begins: what is committed in between is seen, and counts as not.
    commits = store.commits
    with store.reading() as cursor:
        project = catalogues.project_by_id(cursor, query.request.project_id)
        catalogue = store.catalogues.get(cursor, project)
        limit = query.limit
        if query.after is not None:
            affordable = read_ahead.BYTES // (max(project.row_bytes, 1) * limit)
            limit *= max(1, min(affordable, read_ahead.PAGES))
        selection = select_columns(catalogue, query.request)
        found, rows = _found(cursor, catalogue, replace(query, limit=limit), selection)
        wanted = found[:limit]
        remarks = read_remarks(cursor, catalogue, selection, [item.span for item in wanted])
    return Batch(commits, wanted, len(found) <= limit, selection, rows, remarks)


# `Any` from here on: rows of DuckDB and JSON.
def _found(
    cursor: DuckDBPyConnection,
    catalogue: ProjectCatalogue,
    query: ListQuery,
    selection: Selection,
) -> tuple[Sequence[Found], dict[tuple[int, int], Sequence[Any]]]:
    """Return the items of a page and one more, if there are so many, with the rows of the page."""
    if query.request.filter is None:
        newest = read_newest(cursor, catalogue, query, selection)
        if newest is not None:
            return newest.found, newest.rows
    found = find(cursor, catalogue, query)
    return found, read_rows(cursor, catalogue, selection, found[: query.limit])


def next_page(query: ListQuery, found: Sequence[Found]) -> dict[str, Any]:
    """Return the pagination of a page, of which one item more was looked for."""
    if len(found) <= query.limit:
        return Pagination().to_dict()
    return Pagination(has_more=True, next_cursor=query.cursor(found[query.limit - 1].key)).to_dict()


def find(
    cursor: DuckDBPyConnection,
    catalogue: ProjectCatalogue,
    query: ListQuery,
    *,
    are_roots: bool = False,
) -> list[Found]:
    """Return the first items of a page and one more, if there are so many.

    Args:
        cursor: The transaction.
        catalogue: The project's catalogue as it sees it.
        query: The call.
        are_roots: Of traces with a span that matches the filter the roots, instead of the spans
            that match.

    Raises:
        RequestError: The filter does not fit the project, or is too much for this server.
    """
    text = query.request.filter or ""
    make = _keys.__wrapped__ if len(text) > _KEPT_FILTER else _keys
    try:
        sql = make(catalogue, text, is_next=query.after is not None, are_roots=are_roots)
    except FilterError as exc:
        raise RequestError(str(exc)) from exc
    # The spans that match need not lie where the roots do.
    at_once = are_roots and bool(text)
    found: list[Found] = []
    try:
        for first, end in stretches(cursor, catalogue, query, at_once=at_once):
            values = {"first": first, "end": end, "most": query.limit + 1 - len(found)}
            if at_once:
                values |= {"window_first": query.start_ns, "window_end": query.end_ns}
            if query.after is not None:
                values |= {f"after_{name}": v for name, v in query.after._asdict().items()}
            found += [Found(*row) for row in cursor.execute(sql, values).fetchall()]
            if len(found) > query.limit:
                break
    except duckdb.OutOfMemoryException as exc:
        raise RequestError(
            "the filter needs more memory than this server has",
            next_step="Ask for fewer conditions, on documents above all, or a shorter window.",
        ) from exc
    return found


@lru_cache(maxsize=256)
def _keys(catalogue: ProjectCatalogue, text: str, *, is_next: bool, are_roots: bool) -> str:
    """Return what finds the keys of a page within one stretch of time."""
    rows = SpanRows(catalogue)
    start, span = rows.value(START_TIME), rows.value(SPAN_ID)
    trace = exp.Coalesce(this=rows.value(TRACE_ID), expressions=[exp.Literal.string("")])
    keys = {"start_key": start, "trace_key": trace, "span_key": span}
    query = exp.select(
        *(value.as_(name, quoted=True) for name, value in keys.items()),
        statements.column(TABLE_NUMBER),
        statements.column(statements.ROW_ID),
    )
    if is_next:
        query = query.where(_is_after(start.copy(), trace.copy(), span.copy()), copy=False)
    if are_roots:
        parent = exp.Coalesce(this=rows.value(PARENT_ID), expressions=[exp.Literal.string("")])
        query = query.where(parent.eq(exp.Literal.string("")), copy=False)
        if text:
            query = query.where(rows.trace().isin(_matching_traces(catalogue, text)), copy=False)
    elif text:
        query = query.where(filters.where(filters.bound(catalogue, text), rows), copy=False)
    query = rows.joined(query, part=within("first", "end"))
    newest = exp.Ordered(this=statements.column("start_key"), desc=True)
    query = query.order_by(
        newest, statements.column("trace_key"), statements.column("span_key"), copy=False
    )
    return statements.sql(query.limit(exp.Placeholder(this="most"), copy=False))


def _matching_traces(catalogue: ProjectCatalogue, text: str) -> exp.Select:
    rows = SpanRows(catalogue)
    query = exp.select(rows.trace())
    query = query.where(filters.where(filters.bound(catalogue, text), rows), copy=False)
    return rows.joined(query, part=within("window_first", "window_end"))


def _is_after(start: exp.Expr, trace: exp.Expr, span: exp.Expr) -> exp.Expr:
    def parameter(name: str) -> exp.Placeholder:
        return exp.Placeholder(this=f"after_{name}")

    same_trace = exp.and_(
        trace.eq(parameter("trace")),
        exp.GT(this=span, expression=parameter("span")),
    )
    later = exp.or_(exp.GT(this=trace.copy(), expression=parameter("trace")), same_trace)
    # The starts of a stretch are never after that of the item before.
    return exp.or_(exp.LT(this=start, expression=parameter("start")), later)
