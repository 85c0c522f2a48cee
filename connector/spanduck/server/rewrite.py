"""Reclaiming the space of dead rows: a table is copied in the order it is read, then swapped in.

DuckDB frees nothing when rows are deleted. Readers go on meanwhile: those that began before the
swap keep the old table until they end.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, Final

import duckdb

from spanduck.server import statements
from spanduck.server.catalogue import Role, StoredTable
from spanduck.server.sorted_copy import copy_in_order

if TYPE_CHECKING:
    from spanduck.server.store import Store

_log: Final = logging.getLogger(__name__)

_ORDER_BY_ROLE: Final = {
    Role.EVALUATIONS: ("level", "name"),
    Role.ANNOTATIONS: ("level", "name"),
    Role.NOTES: (),
}

DEAD_SHARE: Final = 0.3
# A rewrite waits for a pause, but not for ever: a client that never pauses would fill the disk.
LONGEST_WAIT_S: Final = 120.0


class Rewriter:
    """A thread that rewrites tables with many dead rows, one at a time.

    Args:
        store: The store.
        min_dead_rows: Tables with fewer dead rows are left alone.
        quiet_s: How long nothing must have been written before.
    """

    def __init__(self, store: Store, *, min_dead_rows: int, quiet_s: float) -> None:
        self._store = store
        self._min_dead_rows = min_dead_rows
        self._quiet_s = quiet_s
        self._queue: queue.Queue[int | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="rewriter", daemon=True)
        self._thread.start()

    def consider(self, project: int) -> None:
        """Look at a project's tables in the next pause: it was written to just now."""
        self._queue.put(project)

    def close(self) -> None:
        """Finish the rewrite under way and stop."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (written := self._written_until_pause()) is not None:
            for project in written:
                try:
                    for table in self._candidates(project):
                        self._rewrite_somehow(project, table)
                except duckdb.Error:
                    # The rows are as they were; the next write asks again.
                    _log.exception("a table was not rewritten")

    def _written_until_pause(self) -> set[int] | None:
        """Wait for a write and then for a pause; return the projects, or None to stop."""
        project = self._queue.get()
        written: set[int] = set()
        deadline = time.monotonic() + LONGEST_WAIT_S
        while project is not None:
            written.add(project)
            if time.monotonic() >= deadline:
                return written
            try:
                project = self._queue.get(timeout=self._quiet_s)
            except queue.Empty:
                return written
        return None

    def _candidates(self, project: int) -> list[StoredTable]:
        with self._store.reading() as cursor:
            rows = cursor.execute(
                "SELECT role, number, name, dead_rows FROM tables"
                " WHERE project = ? AND dead_rows >= ?",
                [project, self._min_dead_rows],
            ).fetchall()
            tables = [StoredTable(Role(role), *rest) for role, *rest in rows]
            return [table for table in tables if self._is_worth_it(cursor, table)]

    @staticmethod
    def _is_worth_it(cursor: duckdb.DuckDBPyConnection, table: StoredTable) -> bool:
        text = statements.count(table.name, windowed=False)
        live: int = cursor.execute(text).fetchall()[0][0]
        return table.dead_rows > DEAD_SHARE * (live + table.dead_rows)

    def _rewrite_somehow(self, project: int, table: StoredTable) -> None:
        try:
            self._rewrite(project, table, in_order=True)
        except duckdb.OutOfMemoryException:
            # Space matters more.
            _log.warning("%s does not fit in memory to be put in order", table.name)
            self._rewrite(project, table, in_order=False)

    def _rewrite(self, project: int, table: StoredTable, *, in_order: bool) -> None:
        new_name = statements.successor(table.name)
        with self._store.writing() as cursor:
            if in_order:
                _copy_in_order(cursor, project, table, new_name)
            else:
                cursor.execute(statements.create_copy(new_name, table.name))
            cursor.execute(statements.drop_table(table.name))
            cursor.execute(
                "UPDATE tables SET name = ?, dead_rows = 0 WHERE name = ?", [new_name, table.name]
            )
            cursor.execute(
                "UPDATE projects SET generation = generation + 1 WHERE number = ?", [project]
            )
        _log.info("rewrote %s, which had %d dead rows", table.name, table.dead_rows)


def _copy_in_order(
    cursor: duckdb.DuckDBPyConnection, project: int, table: StoredTable, copy: str
) -> None:
    if table.role is Role.SPANS:
        text = "SELECT row_bytes FROM projects WHERE number = ?"
        row_bytes: int = cursor.execute(text, [project]).fetchall()[0][0]
        copy_in_order(cursor, table.name, copy, row_bytes=row_bytes)
        return
    order_by = [statements.column(name) for name in _ORDER_BY_ROLE[table.role]]
    cursor.execute(statements.create_copy(copy, table.name, order_by))
