"""Rewriting tables in pauses: a table is copied in the order it is read, then swapped in.

For two reasons: DuckDB frees nothing when rows are deleted; and a list costs more the more uploads
overlap in time. Readers go on meanwhile: those that began before the swap keep the old table until
they end. Writers wait while dead rows are dropped; where only the order is at stake, they come
first, and the rewrite begins again in a longer pause.
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
from spanduck.server.disorder import overlap
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
# A page reads a piece of so many row groups, and takes some milliseconds for each.
MOST_OVERLAP: Final = 4.0
# A table is looked at again when it has grown by so much, so that a row is copied a few times only.
_GROWTH: Final = 1 / 8


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
        self._pause_s = quiet_s
        # How many rows a table had when it was last in order, by its name.
        self._rows_in_order: dict[str, int] = {}
        self._queue: queue.Queue[int | None] = queue.Queue()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="rewriter", daemon=True)
        self._thread.start()

    def consider(self, project: int) -> None:
        """Look at a project's tables in the next pause: it was written to just now."""
        self._queue.put(project)

    def close(self) -> None:
        """Finish a rewrite of dead rows, or give up one for the order, and stop."""
        self._is_closing = True
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (written := self._written_until_pause()) is not None:
            for project in written:
                self._look_at(project)

    def _look_at(self, project: int) -> None:
        try:
            for table in self._with_dead_rows(project):
                self._drop_dead_rows(project, table)
            for table in self._out_of_order(project):
                self._put_in_order(project, table)
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
                project = self._queue.get(timeout=self._pause_s)
            except queue.Empty:
                return written
        return None

    def _with_dead_rows(self, project: int) -> list[StoredTable]:
        with self._store.reading() as cursor:
            tables = _tables(cursor, project)
            return [table for table in tables if self._is_mostly_dead(cursor, table)]

    def _is_mostly_dead(self, cursor: duckdb.DuckDBPyConnection, table: StoredTable) -> bool:
        if table.dead_rows < self._min_dead_rows:
            return False
        return table.dead_rows > DEAD_SHARE * (_count(cursor, table) + table.dead_rows)

    def _drop_dead_rows(self, project: int, table: StoredTable) -> None:
        try:
            self._rewrite(project, table)
        except duckdb.OutOfMemoryException:
            # Space matters more.
            _log.warning("%s does not fit in memory to be put in order", table.name)
            self._rewrite(project, table, in_order=False)
        _log.info("rewrote %s, which had %d dead rows", table.name, table.dead_rows)

    def _out_of_order(self, project: int) -> list[StoredTable]:
        with self._store.reading() as cursor:
            tables = _tables(cursor, project)
            return [table for table in tables if self._is_out_of_order(cursor, table)]

    def _is_out_of_order(self, cursor: duckdb.DuckDBPyConnection, table: StoredTable) -> bool:
        if table.role is not Role.SPANS:
            return False
        rows = _count(cursor, table)
        if rows <= self._rows_in_order.get(table.name, 0) * (1 + _GROWTH):
            return False
        if overlap(cursor, table.name) > MOST_OVERLAP:
            return True
        self._rows_in_order[table.name] = rows
        return False

    def _put_in_order(self, project: int, table: StoredTable) -> None:
        try:
            self._rewrite(project, table, give_way=True)
        except _GaveWayError:
            # The write that it gave way to asks again.
            self._pause_s = min(2 * max(self._pause_s, self._quiet_s), LONGEST_WAIT_S)
            _log.info("%s is put in order in a pause of %g s", table.name, self._pause_s)
            return
        self._pause_s = self._quiet_s
        self._rows_in_order.pop(table.name, None)
        _log.info("put %s in order", table.name)

    def _rewrite(
        self, project: int, table: StoredTable, *, in_order: bool = True, give_way: bool = False
    ) -> None:
        """Swap a table for a copy.

        Raises:
            _GaveWayError: A writer waits, or the store is to be closed, and it should give way.
        """
        new_name = statements.successor(table.name)
        with self._store.writing() as cursor:
            if in_order:
                self._copy_in_order(cursor, project, table, new_name, give_way=give_way)
            else:
                cursor.execute(statements.create_copy(new_name, table.name))
            cursor.execute(statements.drop_table(table.name))
            cursor.execute(
                "UPDATE tables SET name = ?, dead_rows = 0 WHERE name = ?", [new_name, table.name]
            )
            cursor.execute(
                "UPDATE projects SET generation = generation + 1 WHERE number = ?", [project]
            )

    def _copy_in_order(
        self,
        cursor: duckdb.DuckDBPyConnection,
        project: int,
        table: StoredTable,
        copy: str,
        *,
        give_way: bool,
    ) -> None:
        if table.role is not Role.SPANS:
            order_by = [statements.column(name) for name in _ORDER_BY_ROLE[table.role]]
            cursor.execute(statements.create_copy(copy, table.name, order_by))
            return

        def give_way_to_writers() -> None:
            if give_way and (self._store.writers_waiting or self._is_closing):
                raise _GaveWayError

        text = "SELECT row_bytes FROM projects WHERE number = ?"
        ((row_bytes,),) = cursor.execute(text, [project]).fetchall()
        copy_in_order(
            cursor, table.name, copy, row_bytes=row_bytes, between_slices=give_way_to_writers
        )


class _GaveWayError(Exception):
    """A rewrite was given up for a writer."""


def _tables(cursor: duckdb.DuckDBPyConnection, project: int) -> list[StoredTable]:
    text = "SELECT role, number, name, dead_rows FROM tables WHERE project = ?"
    return [
        StoredTable(Role(role), *rest) for role, *rest in cursor.execute(text, [project]).fetchall()
    ]


def _count(cursor: duckdb.DuckDBPyConnection, table: StoredTable) -> int:
    ((rows,),) = cursor.execute(statements.count(table.name, windowed=False)).fetchall()
    return int(rows)
