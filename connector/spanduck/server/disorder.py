"""How far a table of spans is from the order of time, which is what pages of a list cost.

Spans that start at about the same time lie together in one row group when they came in that order.
When uploads overlap in time, they lie in one row group of each, and a page reads a piece of all of
them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from spanduck.server import statements
from spanduck.server.store import ROW_GROUP_ROWS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Starts that are looked up, of each row group.
_SAMPLES: Final = 8


def overlap(cursor: DuckDBPyConnection, table: str) -> float:
    """Return how many row groups have spans from before and after a start, on average.

    1 in the order of time. Spans that all start at once count for nothing, since no order tells
    them apart. Reads the starts of all spans: some 5 ms for a million.

    Args:
        cursor: The transaction.
        table: The table of spans.
    """
    ((found,),) = cursor.execute(
        _overlap(table), {"group_rows": ROW_GROUP_ROWS, "step": ROW_GROUP_ROWS // _SAMPLES}
    ).fetchall()
    return float(found or 0)


@lru_cache(maxsize=256)
def _overlap(table: str) -> str:
    return statements.script_on("overlap", (("spans", table),))
