from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from spanduck.server import catalogue, projects
from spanduck.server.columns import apply_additions, plan_additions
from spanduck.server.errors import NotFoundError, RequestError
from spanduck.server.export import Restriction, plan_export
from spanduck.server.kinds import incoming_kind
from spanduck.server.snapshots import Snapshot, Snapshots
from spanduck.server.spool import IncomingColumn
from spanduck.server.store import Store
from spanduck_sql.schema import METADATA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


def _snapshot(store: Store, opened_at: float | None = None) -> Snapshot:
    opened_at = time.monotonic() if opened_at is None else opened_at
    return Snapshot(store.begin_reading(), pa.schema([]), "SELECT 1", 0, 1, opened_at)


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


def test_a_filter_beyond_the_stores_memory_is_refused_as_such(store: Store) -> None:
    with store.writing() as cursor:
        space = catalogue.spaces(cursor)[0].id
        record = projects.create(cursor, space, "p")
        known = catalogue.load(cursor, record)
        column = IncomingColumn(0, METADATA, incoming_kind(pa.field(METADATA, pa.string())))
        known = apply_additions(cursor, known, plan_additions(known, [column], {0}, 0))
        cursor.execute(
            "INSERT INTO spans_1_0 BY NAME SELECT i::VARCHAR AS span_id, 0::BIGINT AS start_time,"
            " '{\"text\": \"' || repeat('x', 2000) || '\"}' AS a11 FROM range(10000) AS r(i)"
        )
    text = " OR ".join(f"attributes.metadata.k{number} = 'x'" for number in range(50))
    plan = plan_export(known, restriction=Restriction(filter_text=text))
    with store.reading() as cursor:
        cursor.execute("SET memory_limit = '120MB'")
        with pytest.raises(RequestError, match="more memory than this server has"):
            Snapshot.open(cursor, plan, 1_000)
    with store.reading() as cursor:
        few = plan_export(known, restriction=Restriction(filter_text="attributes.metadata.k = 'x'"))
        assert Snapshot.open(cursor, few, 1_000).rows == 0
