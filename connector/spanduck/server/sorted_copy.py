"""A copy of a table of spans in the order of their starts, in memory that does not grow with it.

DuckDB cannot sort a table of long rows that is larger than its memory limit. So the copy is filled
a slice of time at a time, each of which is sorted by itself.
"""

from __future__ import annotations

from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from spanduck.server import statements
from spanduck.server.store import ROW_GROUP_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable

    from duckdb import DuckDBPyConnection

_START: Final = "start_time"
# What the rows of a slice may come to, within the memory that the store has. The sort holds them
# more than once, and exports go on beside it.
_SLICE_BYTES: Final = 16 << 20
# What the sort needs for each value, whatever its length, also for a NULL.
_VALUE_BYTES: Final = 16


def copy_in_order(
    cursor: DuckDBPyConnection,
    table: str,
    copy: str,
    *,
    row_bytes: int,
    between_slices: Callable[[], None],
) -> None:
    """Make a table of the rows of a table of spans, in the order of their starts.

    Reads the starts once, and then for each slice the row groups that have rows of its time. Rows
    without a start come last.

    Args:
        cursor: The transaction.
        table: The table.
        copy: The name of the new one.
        row_bytes: About what a row holds.
        between_slices: Called before each slice; what it raises ends the copy.
    """
    given = cursor.table(table)
    types = dict(zip(given.columns, map(str, given.types), strict=True))
    # Not as a copy of no rows: after an insert of nothing, DuckDB 2.0 finds no row by its row id in
    # what the same transaction inserts. So the first slice must not be empty, either.
    cursor.execute(statements.create_empty(copy, types))
    sorted_bytes = row_bytes + _VALUE_BYTES * len(types)
    # Short rows gain nothing from slices longer than a row group.
    slice_rows = min(max(_SLICE_BYTES // sorted_bytes, 1), ROW_GROUP_ROWS)
    bounds = _bounds(_marks(cursor, table, slice_rows))
    for first, end in zip_longest(bounds, bounds[1:]):
        between_slices()
        cursor.execute(_insert_slice(copy, table, first, end))
    has_no_start = statements.column(_START).is_(exp.null())
    cursor.execute(statements.insert_rows(copy, table, has_no_start))


def _marks(cursor: DuckDBPyConnection, table: str, slice_rows: int) -> list[int]:
    """Return the first start, the one that follows on so many rows, on twice as many, and so on."""
    start, has_start = statements.column(_START), statements.is_not_null(_START)
    # Numbers alone: DuckDB sorts more of them than fit in its memory.
    query = exp.select(start).from_(table).where(has_start).order_by(start.copy())
    marks: list[int] = []
    place = 0
    for batch in cursor.sql(statements.sql(query)).to_arrow_reader():
        found = batch.column(0)[place::slice_rows]
        marks += found.to_pylist()
        place += len(found) * slice_rows - batch.num_rows
    return marks


def _bounds(marks: list[int]) -> list[int]:
    """Return where slices of time begin, each of which ends where the next begins.

    At each mark. A start of so many rows that it is there twice has a slice of its own, which ends
    with the next nanosecond.
    """
    filled = {mark + 1 for mark, following in pairwise(marks) if mark == following}
    return sorted(filled.union(marks))


def _insert_slice(copy: str, table: str, first: int, end: int | None) -> str:
    start = statements.column(_START)
    conditions: list[exp.Expr] = [exp.GTE(this=start.copy(), expression=exp.convert(first))]
    if end is not None:
        conditions.append(exp.LT(this=start.copy(), expression=exp.convert(end)))
    # Of a single start there may be more rows than can be sorted, and none needs to be.
    is_one_start = end == first + 1
    return statements.insert_rows(
        copy, table, *conditions, order_by=() if is_one_start else (start,)
    )
