from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from spanduck.server.errors import NotFoundError
from spanduck.server.export import ExportPlan
from spanduck.server.snapshots import Snapshot, Snapshots
from spanduck.server.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


def _snapshot(store: Store, opened_at: float | None = None) -> Snapshot:
    plan = ExportPlan(pa.schema([]), "SELECT 1", ())
    opened_at = time.monotonic() if opened_at is None else opened_at
    return Snapshot(store.begin_reading(), plan, 0, 1, opened_at)


def test_a_snapshot_is_taken_once(store: Store) -> None:
    snapshots = Snapshots()
    held = _snapshot(store)
    ticket = snapshots.hold(held)
    assert snapshots.take(ticket) is held
    with pytest.raises(NotFoundError, match="GetFlightInfo"):
        snapshots.take(ticket)
    with pytest.raises(NotFoundError):
        snapshots.take(b"made up")


def test_old_snapshots_are_dropped(store: Store) -> None:
    snapshots = Snapshots(held_s=60)
    old = snapshots.hold(_snapshot(store, time.monotonic() - 61))
    young = snapshots.hold(_snapshot(store))
    with pytest.raises(NotFoundError):
        snapshots.take(old)
    assert len(snapshots) == 1
    snapshots.take(young)


def test_the_oldest_goes_first_when_there_are_too_many(store: Store) -> None:
    snapshots = Snapshots(limit=2)
    tickets = [snapshots.hold(_snapshot(store)) for _ in range(3)]
    assert len(snapshots) == 2
    with pytest.raises(NotFoundError):
        snapshots.take(tickets[0])
    snapshots.take(tickets[1])
    snapshots.close()
    assert len(snapshots) == 0
