"""Snapshots that tickets name: opened and counted by GetFlightInfo, read once by DoGet."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spanduck.server.errors import NotFoundError
from spanduck.server.store import end_reading

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from spanduck.server.export import ExportPlan

HELD_S: Final = 60.0
UNREDEEMED_LIMIT: Final = 64


@dataclass(frozen=True)
class Snapshot:
    """A moment of the store and what is to be read of it.

    Attributes:
        cursor: Its transaction. Whoever takes the snapshot ends it.
        plan: What is read.
        rows: Spans in it, exactly.
        batch_rows: Most rows of a batch.
        opened_at: On the monotonic clock.
    """

    cursor: DuckDBPyConnection
    plan: ExportPlan
    rows: int
    batch_rows: int
    opened_at: float


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


def _end(snapshots: list[Snapshot]) -> None:
    for snapshot in snapshots:
        end_reading(snapshot.cursor)
