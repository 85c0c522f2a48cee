from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from spanduck.server import catalogue, projects
from spanduck.server.disorder import overlap
from spanduck.server.rewrite import Rewriter
from spanduck.server.store import ROW_GROUP_ROWS, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UPLOADS = 4
# Long enough that DuckDB cannot sort the table whole in the memory that it gets below.
ROWS, TEXT_BYTES, MEMORY = 100_000, 640, "60MB"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


class Told(logging.Handler):
    """Waits for what the rewriter says that it has done."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.is_told = threading.Event()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        if record.levelno != logging.WARNING:
            self.is_told.set()


@pytest.fixture
def told() -> Iterator[Told]:
    handler, logger = Told(), logging.getLogger("spanduck.server.rewrite")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.setLevel(level)
    logger.removeHandler(handler)


def fill(store: Store) -> int:
    """Store uploads that overlap in time, most of whose rows are dead; returns the project."""
    with store.writing() as cursor:
        project = projects.create(cursor, catalogue.spaces(cursor)[0].id, "p")
        cursor.execute("ALTER TABLE spans_1_0 ADD COLUMN a0 VARCHAR")
        for upload in range(UPLOADS):
            cursor.execute(
                "INSERT INTO spans_1_0 BY NAME"
                " SELECT 'span-' || n AS span_id, n AS start_time,"
                " repeat(md5(n::VARCHAR), $bytes // 32) AS a0"
                " FROM (SELECT $uploads * i + $upload AS n FROM range($rows // $uploads) t(i))",
                {"uploads": UPLOADS, "upload": upload, "rows": ROWS, "bytes": TEXT_BYTES},
            )
        projects.note_row_bytes(cursor, project, TEXT_BYTES + 60)
        projects.add_dead_rows(cursor, "spans_1_0", ROWS)
    return project.number


def rewrite(store: Store, project: int, told: Told) -> None:
    with store.reading() as cursor:
        cursor.execute(f"SET GLOBAL memory_limit = '{MEMORY}'")
        cursor.execute("SET GLOBAL threads = 2")
    rewriter = Rewriter(store, min_dead_rows=1, quiet_s=0.0)
    rewriter.consider(project)
    assert told.is_told.wait(120)
    rewriter.close()


def test_a_table_that_cannot_be_sorted_in_memory_is_put_in_order_all_the_same(
    store: Store, told: Told
) -> None:
    project = fill(store)
    with store.reading() as before:
        # A transaction sees the moment of its first statement, and keeps the old table.
        counts = [before.execute("SELECT count(*) FROM spans_1_0").fetchall()]
        rewrite(store, project, told)
        counts += [before.execute("SELECT count(span_id) FROM spans_1_0").fetchall()]
    assert counts == [[(ROWS,)]] * 2
    assert told.lines == [f"rewrote spans_1_0, which had {ROWS} dead rows"]
    with store.reading() as cursor:
        dead = cursor.execute("SELECT name, dead_rows FROM tables WHERE role = 'spans'").fetchall()
        assert dead == [("spans_1_0_v2", 0)]
        rows = cursor.execute(
            "SELECT count(*), count(DISTINCT span_id),"
            " bool_and(span_id = 'span-' || start_time AND starts_with(a0, md5(start_time::VARCHAR))),"
            " bool_and(start_time = rowid)"
            " FROM spans_1_0_v2"
        ).fetchall()
        assert rows == [(ROWS, ROWS, True, True)]


def test_evaluations_that_cannot_be_sorted_in_memory_are_copied_as_they_are_and_it_is_told(
    store: Store, told: Told
) -> None:
    with store.writing() as cursor:
        project = projects.create(cursor, catalogue.spaces(cursor)[0].id, "p")
        cursor.execute(
            "INSERT INTO evaluations_1_0 BY NAME"
            " SELECT 'span-' || n AS span_id, 'span' AS level, 'Q' || n % 3 AS name, now()::TIMESTAMP AS updated_at,"
            " repeat(md5(n::VARCHAR), $bytes // 32) AS explanation FROM range($rows) t(n)",
            {"rows": ROWS, "bytes": TEXT_BYTES},
        )
        projects.add_dead_rows(cursor, "evaluations_1_0", ROWS)
    rewrite(store, project.number, told)
    assert told.lines == [
        "evaluations_1_0 does not fit in memory to be put in order",
        f"rewrote evaluations_1_0, which had {ROWS} dead rows",
    ]
    with store.reading() as cursor:
        text = "SELECT count(*), bool_and(span_id = 'span-' || rowid) FROM evaluations_1_0_v2"
        assert cursor.execute(text).fetchall() == [(ROWS, True)]


@contextmanager
def rewriting(store: Store, project: int) -> Iterator[Rewriter]:
    rewriter = Rewriter(store, min_dead_rows=1, quiet_s=0.0)
    rewriter.consider(project)
    try:
        yield rewriter
    finally:
        rewriter.close()


def insert(store: Store, *starts: str) -> None:
    """Insert an upload of a row group for each expression of `n`, which counts its rows."""
    for start in starts:
        with store.writing() as cursor:
            text = "SELECT name FROM tables WHERE role = 'spans'"
            ((table,),) = cursor.execute(text).fetchall()
            cursor.execute(
                f"INSERT INTO {table} BY NAME SELECT {start} AS start_time, 'span-' || n AS span_id FROM range({ROW_GROUP_ROWS}) t(n)"
            )


@pytest.fixture
def project(store: Store) -> int:
    with store.writing() as cursor:
        return projects.create(cursor, catalogue.spaces(cursor)[0].id, "p").number


def slices_of_rows(store: Store, rows: int) -> None:
    """Have the rewriter believe that so many rows fill a slice."""
    with store.writing() as cursor:
        cursor.execute("UPDATE projects SET row_bytes = $bytes", {"bytes": (16 << 20) // rows})


@pytest.mark.parametrize(
    ("starts", "row_groups"),
    [
        ([], 0),
        (["n"], 7 / 8),
        (["n", "n + 61_440", "n + 122_880"], 7 / 8),
        (["n * 2", "n * 2 + 1"], 15 / 8),
        (["n * 5 + 1", "n * 5 + 3", "n * 5 + 2", "n * 5", "n * 5 + 4"], 4.625),
        (["0", "0", "0", "0", "0"], 0),
        # Each begins in the end of the one before, as what arrives while it happens does.
        ([f"{number} * 60_000 + n" for number in range(6)], 0.9),
    ],
)
def test_overlap_is_how_many_row_groups_a_moment_lies_in(
    store: Store, project: int, starts: list[str], row_groups: float
) -> None:
    insert(store, *starts)
    with store.reading() as cursor:
        assert overlap(cursor, "spans_1_0") == pytest.approx(row_groups, abs=0.15)


def test_uploads_that_overlap_in_time_are_put_in_order(
    store: Store, project: int, told: Told
) -> None:
    insert(store, *(f"n * 6 + {upload}" for upload in range(6)))
    with rewriting(store, project):
        assert told.is_told.wait(60)
    assert told.lines == ["put spans_1_0 in order"]
    with store.reading() as cursor:
        text = "SELECT count(*), bool_and(start_time = rowid) FROM spans_1_0_v2"
        assert cursor.execute(text).fetchall() == [(6 * ROW_GROUP_ROWS, True)]


def test_a_table_in_order_is_looked_at_again_when_it_has_grown(
    store: Store, project: int, told: Told
) -> None:
    insert(store, *(f"n + {upload * ROW_GROUP_ROWS}" for upload in range(10)))
    with rewriting(store, project) as rewriter:
        for more in range(12):
            # All over the time of what is there.
            insert(store, f"n * 10 + {more % 10}")
            rewriter.consider(project)
            if told.is_told.wait(1):
                break
    # Of the first four a moment lies in five row groups at most.
    assert more >= 3
    assert told.is_told.is_set()


def test_a_writer_does_not_wait_for_the_order(store: Store, project: int, told: Told) -> None:
    insert(store, *(f"n * 6 + {upload}" for upload in range(6)))
    slices_of_rows(store, 4_000)
    with rewriting(store, project) as rewriter:
        while not told.lines:
            with store.writing() as cursor:
                cursor.execute("UPDATE projects SET row_bytes = row_bytes")
        assert told.lines == ["spans_1_0 is put in order in a pause of 0 s"]
        told.is_told.clear()
        rewriter.consider(project)
        assert told.is_told.wait(60)
    assert told.lines[1:] == ["put spans_1_0 in order"]


def test_a_server_that_stops_does_not_wait_for_the_order(
    store: Store, project: int, told: Told
) -> None:
    insert(store, *(f"n * 6 + {upload}" for upload in range(6)))
    # Which would take minutes.
    slices_of_rows(store, 4)
    with rewriting(store, project):
        while not store._writer.locked():
            time.sleep(0.01)
    with store.reading() as cursor:
        text = "SELECT name FROM tables WHERE role = 'spans'"
        assert cursor.execute(text).fetchall() == [("spans_1_0",)]
