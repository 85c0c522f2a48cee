"""A state of an earlier release becomes one of this release, whole or not at all."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from spanduck import write_back
from spanduck._write_back.migrations import VERSION, migrate, steps
from spanduck.exceptions import StateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from spanduck import WriteBackReport

MODEL = """
SELECT printf('span-%012d', i) AS span_id, 'Q' AS name,
    if(i = 3, repeat('x', 101), 'x') AS label, if(i = 1, 0.5, NULL) AS score,
    if(i = 2, 'because', NULL) AS explanation
FROM range(5) AS t(i)
"""
# What the release whose state had version 1 wrote for it, but for the ids. The last value is one
# whose answer never came, and which did not arrive.
FIRST_VERSION = """
INSERT INTO spanduck_state.target VALUES (1, $space, $id, $project, 'eval');
INSERT INTO spanduck_state.runs (run_id, model, kind, space_id, project_id, project, status, run)
VALUES ('5b4cffa6', 'm', 'eval', $space, $id, $project, 'running', 2);
INSERT INTO spanduck_state.held VALUES
    (1, 'span-000000000000', 'span', 'Q', 11898972008817127867, 7882416499598833564,
        3783177783470249117, NULL, NULL, 2, now()),
    (1, 'span-000000000001', 'span', 'Q', 16015019799799452576, 2037153597568833119,
        3783177783470249117, 0.5, NULL, 2, now()),
    (1, 'span-000000000002', 'span', 'Q', 1850428472589997970, 1282649148671045310,
        3783177783470249117, NULL, 4509173182263357644, 2, now());
INSERT INTO spanduck_state.change VALUES
    (2, 'span-000000000003', 'span', 'Q', NULL, 'invalid', 'label_too_long', 'long', now()),
    (2, 'span-000000000000', 'span', 'Q', 'new', 'accepted', NULL, NULL, now()),
    (2, 'span-000000000001', 'span', 'Q', 'new', 'accepted', NULL, NULL, now()),
    (2, 'span-000000000002', 'span', 'Q', 'new', 'accepted', NULL, NULL, now());
INSERT INTO spanduck_state.rejected VALUES
    ('5b4cffa6', 'm', $space, $id, $project, 'eval', 3, 'span-000000000003', 'span', 'Q',
        repeat('x', 101), NULL, NULL, 5756113922298650974, 914343846422980952,
        'invalid', 'label_too_long', 'long', 1, now());
INSERT INTO spanduck_state.sent VALUES
    (1, 2, 1, 'span-000000000004', 'span', 'Q', 'new', 15650168734214810037, 2277920815213374800,
        3783177783470249117, NULL, NULL);
INSERT INTO spanduck_state.watermarks VALUES ('other', $space, $id, now(), '5b4cffa6', now());
"""
WRITER = """
import sys
import duckdb
from spanduck import write_back

sql, project, state = sys.argv[1:]
with duckdb.connect() as con:
    report = write_back(con, sql, project=project, state=state, kind="eval", model=sys.argv[2])
    print(report.unchanged, report.accepted)
    report.close()
"""
DIES = """
import os, signal, sys
import duckdb
from spanduck._write_back.migrations import migrate, steps

def die() -> int:
    os.kill(os.getpid(), signal.SIGKILL)

with duckdb.connect(sys.argv[1]) as con:
    con.create_function("die", die, [], "INTEGER", side_effects=True)
    migrate(con, "here", [*steps()[:-1], steps()[-1] + "; SELECT die()"])
"""


def step(version: int) -> str:
    """What makes a version of the one before it, as its release had it."""
    return (files("spanduck_sql") / "state" / f"version_{version}.sql").read_text("utf-8")


def version_of(path: Path) -> int:
    with duckdb.connect(path, read_only=True) as con:
        ((version,),) = con.execute("SELECT max(version) FROM spanduck_state.meta").fetchall()
        return int(version)


def shape_of(path: Path) -> list[Any]:
    """The tables, views and columns of a state."""
    with duckdb.connect(path, read_only=True) as con:
        return con.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns()"
            " WHERE schema_name = 'spanduck_state' ORDER BY ALL"
        ).fetchall()


class Old:
    """A project and a state of version 1 that was written for it."""

    def __init__(self, path: Path, project: str, settings: dict[str, Any]) -> None:
        self.path = path
        self.project = project
        self.settings = settings
        target = self._target(path.with_name("other.duckdb"))
        with duckdb.connect(path) as con:
            con.execute(step(1))
            # The numbers that are used already.
            con.execute("SELECT nextval('spanduck_state.numbers') FROM range(2)")
            for statement in con.extract_statements(FIRST_VERSION):
                names = statement.named_parameters
                con.execute(statement, {name: target[name] for name in names} or None)

    def run(self, **given: Any) -> WriteBackReport:
        given = {"kind": "eval", "model": "m", "state": self.path, **self.settings, **given}
        with duckdb.connect() as con:
            report: WriteBackReport = write_back(con, MODEL, project=self.project, **given)
            report.close()
            return report

    def ask(self, text: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.path, read_only=True) as con:
            return con.execute(text).fetchall()

    def _target(self, other: Path) -> dict[str, Any]:
        """Write the values that the state says are there, and learn how the project is called."""
        self.run(state=other, limit=3)
        with duckdb.connect(other) as con:
            ((space, number),) = con.execute(
                "SELECT space_id, project_id FROM spanduck_state.target"
            ).fetchall()
        return {"space": space, "id": number, "project": self.project}


@pytest.fixture
def old(
    tmp_path: Path,
    new_project: Callable[[str], str],
    settings: dict[str, Any],
    request: pytest.FixtureRequest,
) -> Old:
    return Old(tmp_path / "state.duckdb", new_project(request.node.name[:100]), settings)


def test_what_an_earlier_release_knew_is_known(old: Old) -> None:
    assert version_of(old.path) == 1
    report = old.run()
    assert (report.unchanged, report.accepted, report.invalid, report.calls) == (3, 1, 1, 1)
    assert version_of(old.path) == VERSION
    assert old.ask("SELECT status, error IS NULL FROM spanduck_state.runs ORDER BY run") == [
        ("interrupted", False),
        ("done", True),
    ]
    assert old.ask("SELECT span_id, tries FROM spanduck_state.rejected") == [
        ("span-000000000003", 2)
    ]
    assert old.ask("SELECT count(*) FROM spanduck_state.pending") == [(0,)]
    assert old.ask("SELECT count(*), count(run_id) FROM spanduck_state.accepted") == [(4, 4)]
    assert old.ask("SELECT count(*) FROM spanduck_state.watermarks") == [(1,)]
    assert old.run().calls == 0


def test_a_state_that_grew_is_like_one_that_was_made_at_once(old: Old) -> None:
    old.run()
    new = old.path.with_name("new.duckdb")
    old.run(state=new)
    assert shape_of(old.path) == shape_of(new)


def test_every_version_has_a_step_and_ends_with_its_number() -> None:
    with duckdb.connect() as con:
        for version, text in enumerate(steps(), start=1):
            con.execute(text)
            told = con.execute("SELECT max(version) FROM spanduck_state.meta").fetchall()
            assert told == [(version,)]


def test_a_further_version_is_made_of_what_is_there(old: Old) -> None:
    further = "ALTER TABLE spanduck_state.runs ADD COLUMN host VARCHAR DEFAULT 'here';"
    further += f"INSERT INTO spanduck_state.meta VALUES ({VERSION + 1});"
    for _ in range(2):
        with duckdb.connect(old.path) as con:
            migrate(con, "here", [*steps(), further])
    assert old.ask("SELECT run_id, host FROM spanduck_state.runs") == [("5b4cffa6", "here")]
    with pytest.raises(StateError, match=f"version {VERSION + 1}, and this release knows") as told:
        old.run()
    assert "Install the newer spanduck" in told.value.next_step
    assert old.ask("SELECT host FROM spanduck_state.runs") == [("here",)]


def test_a_step_that_fails_leaves_the_version_that_was_there(old: Old) -> None:
    before = shape_of(old.path)
    with duckdb.connect(old.path) as con, pytest.raises(StateError) as told:
        migrate(con, "here", [*steps(), "DROP VIEW spanduck_state.accepted; SELECT error('full')"])
    assert f"from version 1 to {VERSION + 1}, and is as it was" in str(told.value)
    assert "full" in str(told.value)
    assert (version_of(old.path), shape_of(old.path)) == (1, before)
    assert old.run().unchanged == 3


def test_a_process_that_is_killed_between_leaves_the_version_that_was_there(old: Old) -> None:
    before = shape_of(old.path)
    done = subprocess.run([sys.executable, "-c", DIES, str(old.path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (version_of(old.path), shape_of(old.path)) == (1, before)
    assert old.run().unchanged == 3


def test_two_processes_that_open_an_old_state_at_once_both_use_it(old: Old) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, MODEL, old.project, str(old.path)],
            env={f"ARIZE_{name.upper()}": str(value) for name, value in old.settings.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = [process.communicate(timeout=120) for process in started]
    assert sorted(out for out, _ in told) == ["3 1\n", "4 0\n"], told
    assert version_of(old.path) == VERSION


def test_two_threads_that_open_an_old_state_at_once_both_use_it(old: Old) -> None:
    con = duckdb.connect(old.path)
    reports: list[WriteBackReport] = []

    def run(model: str) -> None:
        given = {**old.settings, "kind": "eval", "model": model, "project": old.project}
        with con.cursor() as cursor:
            report: WriteBackReport = write_back(cursor, MODEL, **given)
        report.close()
        reports.append(report)

    threads = [threading.Thread(target=run, args=(model,)) for model in ("m", "n")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    con.close()
    assert len(reports) == 2
    assert version_of(old.path) == VERSION
    assert old.ask("SELECT count(*), count(DISTINCT span_id) FROM spanduck_state.accepted") == [
        (4, 4)
    ]
