"""The window of a list in stretches of time, from its end on, each longer than the one before.

So a page costs about the same at any depth, and a filter is asked of no more spans than it takes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from spanduck.server import statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from duckdb import DuckDBPyConnection

    from spanduck.server.catalogue import ProjectCatalogue, StoredTable
    from spanduck.server.list_query import ListQuery

TABLE_NUMBER: Final = "table_number"
"""What the number of the table that a row lies in is called where keys are read."""

# How much longer each stretch of time is than the one before, and how many are tried before the
# rest of the window is taken at once.
_GROWTH: Final = 8
_STRETCHES: Final = 5
_SHORTEST_NS: Final = 1_000_000_000
# How many times as many spans as wanted the first one would hold, were they spread evenly: nights
# are quieter than days, and a second query costs more than a longer stretch.
_AMPLE: Final = 4


def stretches(
    cursor: DuckDBPyConnection,
    catalogue: ProjectCatalogue,
    query: ListQuery,
    *,
    at_once: bool = False,
) -> Iterator[tuple[int, int]]:
    """Yield stretches of the window from its end to its start, half-open.

    Args:
        cursor: The transaction.
        catalogue: The project's catalogue as it sees it.
        query: The call.
        at_once: Whether all of the window is one stretch.
    """
    first, end = query.start_ns, query.end_ns
    if query.after is not None:
        end = min(end, query.after.start + 1)
    rows, oldest, newest = 0, None, None
    for table in catalogue.span_tables:
        count, low, high = cursor.execute(_extent(table.name)).fetchall()[0]
        if count:
            rows += count
            oldest = low if oldest is None else min(oldest, low)
            newest = high if newest is None else max(newest, high)
    if oldest is None or newest is None:
        return
    first, end = max(first, oldest), min(end, newest + 1)
    width = (newest - oldest) * _AMPLE * (query.limit + 1) // rows
    # Longer where few of them match.
    width = max(width * (_GROWTH if query.request.filter else 1), _SHORTEST_NS)
    for _ in range(_STRETCHES):
        if at_once or end - first <= width:
            break
        yield end - width, end
        end -= width
        width *= _GROWTH
    if first < end:
        yield first, end


@lru_cache(maxsize=256)
def _extent(table: str) -> str:
    start = statements.column("start_time")
    return statements.select(
        [exp.Count(this=exp.Star()), exp.Min(this=start), exp.Max(this=start.copy())], table
    )


def within(first: str, end: str) -> Callable[[exp.Select, StoredTable], exp.Select]:
    """Return what restricts a table to starts between two parameters, and numbers its rows."""

    def restrict(part: exp.Select, table: StoredTable) -> exp.Select:
        start = statements.column("start_time")
        part = part.where(
            exp.GTE(this=start, expression=exp.Placeholder(this=first)),
            exp.LT(this=start.copy(), expression=exp.Placeholder(this=end)),
            copy=False,
        )
        number = exp.Literal.number(table.number).as_(TABLE_NUMBER)
        row_id = statements.column("rowid").as_(statements.ROW_ID)
        return part.select(number, row_id, copy=False)

    return restrict
