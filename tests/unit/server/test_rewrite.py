from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import pytest

from spanduck.server import catalogue, projects
from spanduck.server.rewrite import Rewriter
from spanduck.server.store import Store

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
    """Waits for what the rewriter says."""

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
