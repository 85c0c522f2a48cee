"""The page of a list without a filter: which times it spans, and then every row between them.

What tells where a page ends is the starts alone, which cost next to nothing to read; the keys come
with the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from spanduck.server import statements
from spanduck.server.list_items import CORE
from spanduck.server.list_rows import Found, read_between
from spanduck.server.list_stretches import stretches, within
from spanduck.server.values import SpanRows
from spanduck_sql.schema import START_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from duckdb import DuckDBPyConnection

    from spanduck.server.catalogue import ProjectCatalogue
    from spanduck.server.list_items import Selection
    from spanduck.server.list_query import ListQuery

_SPAN, _TRACE, _START = (CORE.index(name) for name in ("span_id", "trace_id", "start_time"))


@dataclass(frozen=True)
class Newest:
    """The newest spans of a window, or the next after an item.

    Attributes:
        found: In the order of a list; the page and one more, if there are so many.
        rows: Rows by table and row id, of at least these.
    """

    found: Sequence[Found]
    # `Any`: rows of DuckDB.
    rows: dict[tuple[int, int], Sequence[Any]]


def read_newest(
    cursor: DuckDBPyConnection,
    catalogue: ProjectCatalogue,
    query: ListQuery,
    selection: Selection,
) -> Newest | None:
    """Read a page of a list that has no filter.

    Args:
        cursor: The transaction.
        catalogue: The project's catalogue as it sees it.
        query: The call.
        selection: The columns.

    Returns:
        The page; None where so many spans start at one time that reading all of them would cost
        more than looking for those of the page.
    """
    # Beside the page and one more the item that it comes after, which starts in the window, too.
    wanted = query.limit + 1 + (query.after is not None)
    starts = _starts(cursor, catalogue, query, wanted)
    if not starts:
        return Newest((), {})
    is_whole = len(starts) < wanted
    first = starts[-1] if is_whole else starts[wanted - 1]
    if len(starts) >= 2 * wanted and starts[-1] == first:
        return None
    rows = read_between(cursor, catalogue, selection, first, starts[0])
    found = [
        Found(row[_START], row[_TRACE] or "", row[_SPAN], table, row_id)
        for (table, row_id), row in rows.items()
    ]
    found.sort(key=lambda item: (-item.start, item.trace, item.span))
    if query.after is not None:
        start, trace, span = query.after
        place = (-start, trace, span)
        found = [item for item in found if (-item.start, item.trace, item.span) > place]
    if len(found) <= query.limit and not is_whole:
        return None
    return Newest(found[: query.limit + 1], rows)


def _starts(
    cursor: DuckDBPyConnection, catalogue: ProjectCatalogue, query: ListQuery, wanted: int
) -> list[int]:
    """Return the latest starts in the window, as many as are wanted and up to twice as many."""
    starts: list[int] = []
    for first, end in stretches(cursor, catalogue, query):
        values = {"first": first, "end": end, "most": 2 * wanted - len(starts)}
        starts += _firsts(cursor.execute(_latest(catalogue), values).fetchall())
        if len(starts) >= wanted:
            break
    return starts


def _firsts(rows: Iterable[tuple[int]]) -> Iterable[int]:
    return (row[0] for row in rows)


@lru_cache(maxsize=256)
def _latest(catalogue: ProjectCatalogue) -> str:
    """Return what reads the latest starts within one stretch of time."""
    rows = SpanRows(catalogue)
    query = rows.joined(
        exp.select(rows.value(START_TIME).as_("start")), part=within("first", "end")
    )
    latest = exp.Ordered(this=statements.column("start"), desc=True)
    query = query.order_by(latest, copy=False)
    return statements.sql(query.limit(exp.Placeholder(this="most"), copy=False))
