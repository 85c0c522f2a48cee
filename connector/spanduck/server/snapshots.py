"""Snapshots that tickets name: opened and counted by GetFlightInfo, read once by DoGet."""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa

from spanduck.server import statements
from spanduck.server.errors import NotFoundError, RequestError
from spanduck.server.store import end_reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

    from spanduck.server.export import ExportPlan, Reading

HELD_S: Final = 60.0
UNREDEEMED_LIMIT: Final = 64
KEPT_ROWS: Final = 100_000
"""Most rows of a snapshot whose ids are kept: 800 kB of them."""
_PART_BYTES: Final = 64_000_000
# Reading a part takes a while however few rows it has.
_PART_ROWS: Final = 256


@dataclass(frozen=True)
class Snapshot:
    """A moment of the store and what is to be read of it.

    Attributes:
        cursor: Its transaction. Whoever takes the snapshot ends it.
        schema: What is sent.
        query: What reads that.
        rows: Spans in it, exactly.
        batch_rows: Most rows of a batch.
        opened_at: On the monotonic clock.
        parts: How many parts the query is read in, one after the other, see `statements.in_part`;
            0 where it knows of none.
    """

    cursor: DuckDBPyConnection
    schema: pa.Schema
    query: str
    rows: int
    batch_rows: int
    opened_at: float
    parts: int = 0

    @classmethod
    def open(cls, cursor: DuckDBPyConnection, plan: ExportPlan, batch_rows: int) -> Snapshot:
        """Count the rows of a plan in a transaction, and choose how they are read.

        Where a filter or a sample leaves few rows, their ids are kept: counting has found them, and
        reading them again by id spares DuckDB the conditions, and the columns of most other rows.
        """
        if not plan.restriction.is_selective:
            rows = sum(cursor.execute(count).fetchall()[0][0] for count in plan.counts)
            return cls._of(cursor, plan, plan.query, rows, batch_rows)
        try:
            found = [_found(cursor, query) for query in plan.matches]
        except duckdb.OutOfMemoryException as exc:
            raise RequestError(
                "the filter needs more memory than this server has",
                next_step="Ask for fewer conditions, on documents above all.",
            ) from exc
        rows = sum(count for count, _ in found)
        if rows > KEPT_ROWS:
            return cls._of(cursor, plan, plan.query, rows, batch_rows)
        for number, (_, ids) in enumerate(found):
            cursor.register(statements.matched(number), ids)
        return cls._of(cursor, plan, plan.fetch, rows, batch_rows)

    @classmethod
    def _of(
        cls,
        cursor: DuckDBPyConnection,
        plan: ExportPlan,
        reading: Reading,
        rows: int,
        batch_rows: int,
    ) -> Snapshot:
        parts = 0
        if reading.sizes:
            held = sum(cursor.execute(size).fetchall()[0][0] or 0 for size in reading.sizes)
            parts = max(1, min(math.ceil(held / _PART_BYTES), rows // _PART_ROWS))
        now = time.monotonic()
        return cls(cursor, plan.schema, reading.text, rows, batch_rows, now, parts)

    def reader(self) -> pa.RecordBatchReader:
        """Return a stream of its rows; nothing of them is held beside a batch and a part."""
        first = self._part(0)
        if self.parts <= 1:
            return first
        return pa.RecordBatchReader.from_batches(first.schema, self._batches(first))

    def _batches(self, first: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        yield from first
        for number in range(1, self.parts):
            yield from self._part(number)

    def _part(self, number: int) -> pa.RecordBatchReader:
        if self.parts:
            self.cursor.execute("SET VARIABLE parts = ?::UBIGINT", [self.parts])
            self.cursor.execute("SET VARIABLE part = ?::UBIGINT", [number])
        # Of a relation it streams; of an executed cursor it would collect first.
        return self.cursor.sql(self.query).to_arrow_reader(self.batch_rows)


class Snapshots:
    """Snapshots nobody has read yet. Safe for use by any thread.

    Each is held for a minute and no more than 64 at once, the oldest dropped first: an open
    transaction keeps old versions of rows alive.
    """

    def __init__(self, *, held_s: float = HELD_S, limit: int = UNREDEEMED_LIMIT) -> None:
        self._held_s = held_s
        self._limit = limit
        self._lock = threading.Lock()
        self._by_ticket: OrderedDict[bytes, Snapshot] = OrderedDict()

    def __len__(self) -> int:
        with self._lock:
            return len(self._by_ticket)

    def hold(self, snapshot: Snapshot) -> bytes:
        """Keep a snapshot and return the ticket that names it."""
        ticket = secrets.token_urlsafe(18).encode()
        with self._lock:
            self._by_ticket[ticket] = snapshot
            dropped = [
                self._by_ticket.popitem(last=False)[1]
                for _ in range(len(self._by_ticket) - self._limit)
            ]
        _end(dropped)
        return ticket

    def take(self, ticket: bytes) -> Snapshot:
        """Return the snapshot of a ticket; it is the caller's from then on.

        Raises:
            NotFoundError: It was read already, is too old, or was never given out.
        """
        self.drop_old()
        with self._lock:
            snapshot = self._by_ticket.pop(ticket, None)
        if snapshot is None:
            raise NotFoundError(
                "the ticket names no snapshot that is still held",
                next_step=f"Ask for a new one with GetFlightInfo and read it within"
                f" {self._held_s:g} s, once.",
            )
        return snapshot

    def drop_old(self) -> None:
        """End snapshots that were held for longer than a minute."""
        limit = time.monotonic() - self._held_s
        dropped: list[Snapshot] = []
        with self._lock:
            while self._by_ticket:
                ticket, oldest = next(iter(self._by_ticket.items()))
                if oldest.opened_at > limit:
                    break
                dropped.append(self._by_ticket.pop(ticket))
        _end(dropped)

    def close(self) -> None:
        """End every snapshot."""
        with self._lock:
            dropped = list(self._by_ticket.values())
            self._by_ticket.clear()
        _end(dropped)


def _found(cursor: DuckDBPyConnection, query: str) -> tuple[int, pa.Table]:
    """Return how many rows a query of row ids finds, and their ids if they are few."""
    # A relation's reader streams: no more than a batch is in memory of what is only counted.
    reader = cursor.sql(query).to_arrow_reader(KEPT_ROWS)
    kept: list[pa.RecordBatch] = []
    rows = 0
    for batch in reader:
        rows += batch.num_rows
        if rows <= KEPT_ROWS:
            kept.append(batch)
    return rows, pa.Table.from_batches(kept, reader.schema)


def _end(snapshots: list[Snapshot]) -> None:
    for snapshot in snapshots:
        end_reading(snapshot.cursor)
