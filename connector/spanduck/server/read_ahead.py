"""What was read for the next pages of a walk, so that not every page reads the store.

The time of a page goes into unpacking the segments that its rows lie in, hardly into the rows: a
few pages at once take about as long as one. They are served only while nothing was written since.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spanduck.server.list_items import Selection
    from spanduck.server.list_remarks import Remarks
    from spanduck.server.list_rows import Found

PAGES: Final = 4
"""How many pages are read at once."""

BYTES: Final = 2_000_000
"""About how much may be read ahead for one walk."""

_WALKS: Final = 32


@dataclass(frozen=True)
class Batch:
    """Spans in the order of a list.

    Attributes:
        commits: How many transactions the store had committed before they were read.
        found: The spans.
        is_last: Whether the list ends with them.
        selection: The columns that were read.
        rows: Their rows by table and row id.
        remarks: What was said of them, by span id.
    """

    commits: int
    found: Sequence[Found]
    is_last: bool
    selection: Selection
    # `Any`: rows of DuckDB.
    rows: Mapping[tuple[int, int], Sequence[Any]]
    remarks: Mapping[str, Remarks]


class ReadAhead:
    """Batches by the cursor that they begin after. Safe for use by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_cursor: OrderedDict[str, Batch] = OrderedDict()

    def keep(self, cursor: str, batch: Batch) -> None:
        """Keep a batch, and drop the oldest beyond a few."""
        with self._lock:
            self._by_cursor[cursor] = batch
            while len(self._by_cursor) > _WALKS:
                self._by_cursor.popitem(last=False)

    def take(self, cursor: str, *, commits: int, limit: int) -> Batch | None:
        """Return a batch of at least so many spans, if there is one of this state of the store."""
        with self._lock:
            batch = self._by_cursor.pop(cursor, None)
        if batch is None or batch.commits != commits:
            return None
        return batch if batch.is_last or len(batch.found) >= limit else None
