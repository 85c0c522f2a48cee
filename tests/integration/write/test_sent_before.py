"""What was sent before is told by quick numbers, wherever those are good, and else by digests."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from spanduck import write_back

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMA = "spanduck_state"
MODEL = """
SELECT printf('span-%012d', i) AS span_id, 'Q' AS name, 'label ' || i AS label, i / 7 AS score, 'why' AS explanation
FROM range(20) AS t(i)
"""
Counts = dict[str, int]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state.duckdb"


@pytest.fixture
def run(
    settings: dict[str, Any],
    new_project: Callable[[str], str],
    state: Path,
    request: pytest.FixtureRequest,
) -> Callable[..., Counts]:
    project = new_project(request.node.name)

    def write(sql: str = MODEL, **more: Any) -> Counts:
        given = {"project": project, "kind": "eval", "model": "m", "state": state, **settings}
        with duckdb.connect() as con, write_back(con, sql, **{**given, **more}) as report:
            told = report.to_dict()
            return {name: told[name] for name in ("new", "changed", "unchanged", "calls")}

    return write


def change(state: Path, *statements: str) -> None:
    with duckdb.connect(state) as con:
        for statement in statements:
            con.execute(statement.format(SCHEMA))


def numbers(state: Path) -> list[tuple[int, int]]:
    with duckdb.connect(state, read_only=True) as con:
        return con.execute(
            f"SELECT quick_key, quick_value FROM {SCHEMA}.held ORDER BY span_id"
        ).fetchall()


UNCHANGED = {"new": 0, "changed": 0, "unchanged": 20, "calls": 0}


def test_numbers_of_another_release_of_the_engine_count_for_nothing(
    run: Callable[..., Counts], state: Path
) -> None:
    assert run()["new"] == 20
    kept = numbers(state)
    # As if every value had got the numbers of the one before it.
    change(
        state,
        "UPDATE {}.engine SET probe = probe + 1",
        "UPDATE {}.held SET quick_key = quick_key + 1, quick_value = quick_value + 1",
    )
    assert run() == UNCHANGED
    assert numbers(state) == kept
    assert run(MODEL.replace("'why'", "'because'"))["changed"] == 20


def test_a_state_without_numbers_gets_them_by_the_next_run(
    run: Callable[..., Counts], state: Path
) -> None:
    run()
    kept = numbers(state)
    change(
        state,
        "ALTER TABLE {}.held DROP COLUMN quick_key",
        "ALTER TABLE {}.held DROP COLUMN quick_value",
        "DROP TABLE {}.engine",
        "UPDATE {}.meta SET version = 1",
        "DELETE FROM {}.meta WHERE rowid > (SELECT min(rowid) FROM {}.meta)".replace("{}", SCHEMA),
    )
    assert run(dry_run=True)["unchanged"] == 20
    assert run() == UNCHANGED
    assert numbers(state) == kept


def test_models_that_say_parts_of_the_same_values_send_nothing_twice(
    run: Callable[..., Counts],
) -> None:
    labels = MODEL.replace("i / 7 AS score, 'why' AS explanation", "NULL AS score")
    scores = MODEL.replace("'label ' || i AS label", "NULL AS label")
    assert run(labels, model="labels")["new"] == 20
    assert run(scores, model="scores")["changed"] == 20
    for _ in range(2):
        assert run(labels, model="labels") == UNCHANGED
        assert run(scores, model="scores") == UNCHANGED
    assert run(MODEL) == UNCHANGED
    assert run(labels.replace("'label '", "'Label '"), model="labels")["changed"] == 20
    assert run(scores, model="scores") == UNCHANGED


def test_full_sends_what_was_sent_before(run: Callable[..., Counts]) -> None:
    run()
    assert run(full=True) == {"new": 0, "changed": 20, "unchanged": 0, "calls": 1}
    assert run() == UNCHANGED


def test_a_write_back_imports_no_pandas(
    settings: dict[str, Any], new_project: Callable[[str], str], state: Path
) -> None:
    program = """
import json, sys
import duckdb
from spanduck import write_back

given = json.loads(sys.argv[1])
for label in ("'x'", "'x'", "if(i % 2 = 0, 'x', 'y')"):
    sql = f"SELECT printf('span-%012d', i) AS span_id, 'Q' AS name, {label} AS label FROM range(9) AS t(i)"
    write_back(duckdb.connect(), sql, kind="eval", model="m", **given).close()
print("pandas" in sys.modules)
"""
    given = {**settings, "project": new_project("no pandas"), "state": str(state)}
    command = [sys.executable, "-c", program, json.dumps(given, default=str)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.stdout == "False\n", ended.stderr
