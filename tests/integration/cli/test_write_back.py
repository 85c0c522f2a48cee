"""`spanduck plan` and `spanduck run`."""

from __future__ import annotations

import json
import os
import signal
from typing import Any, TypeAlias

import duckdb
import pytest

# A class of the folder's conftest, which is no module to import from.
Command: TypeAlias = Any

SPANS = 6_000
HEAD = '/* spanduck\nkind = "eval"\nproject = "fernway-support"\n*/\n'
GOOD = """SELECT "context.span_id" AS span_id, '{name}' AS name, '{label}' AS label
FROM spans('fernway-support', columns := ['context.span_id'])"""
BAD = """SELECT CASE WHEN n > 0 THEN 'no-such-span-' || n END AS span_id, 'Bad' AS name, n AS score
FROM range(4) t(n)"""


def write(command: Command, name: str, select: str = GOOD, **words: str) -> None:
    path = command.folder / f"{name}.sql"
    path.parent.mkdir(exist_ok=True)
    words = {"name": path.stem.capitalize(), "label": "ok", **words}
    path.write_text(HEAD + select.format(**words), encoding="utf-8")


def held(command: Command, name: str) -> int:
    text = f"SELECT count(*) AS n FROM evaluations('fernway-support') WHERE name = '{name}'"
    return int(json.loads(command("query", text, "-f", "json").stdout)[0]["n"])


def told(command: Command, *arguments: str, status: int = 0) -> list[dict[str, Any]]:
    done = command(*arguments, "--format", "json")
    assert done.returncode == status, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def test_a_plan_shows_counts_and_examples_and_sends_nothing(command: Command) -> None:
    write(command, "planned")
    done = command("plan", "planned.sql")
    assert done.returncode == 0, done.stderr
    head, columns, *_ = done.stdout.splitlines()
    assert head.startswith("planned.sql: 6,000 rows, 6,000 values: 6,000 new in 1 call, ")
    assert columns.split() == ["plan", "row", "span_id", "name", "label"]
    assert held(command, "Planned") == 0
    assert not (command.folder / "spanduck_state").exists()


def test_what_has_not_changed_is_not_sent_again(command: Command) -> None:
    write(command, "again")
    done = command("run", "again.sql")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "again.sql: 6,000 rows, 6,000 values: 6,000 accepted in " in done.stderr
    (plan,) = told(command, "plan", "again.sql")
    assert (plan["new"], plan["changed"], plan["unchanged"], plan["calls"]) == (0, 0, SPANS, 0)
    (second,) = told(command, "run", "again.sql")
    assert (second["accepted"], second["unchanged"], second["calls"]) == (0, SPANS, 0)
    (full,) = told(command, "run", "again.sql", "--full")
    assert full["accepted"] == SPANS
    write(command, "again", label="better")
    (changed,) = told(command, "run", "again.sql", "--limit", "10")
    assert (changed["status"], changed["changed"], changed["left"]) == ("done", 10, SPANS - 10)


def test_the_service_can_be_compared_with_when_the_state_is_gone(command: Command) -> None:
    write(command, "forgotten")
    told(command, "run", "forgotten.sql", "--state", "one.duckdb")
    (other,) = told(command, "plan", "forgotten.sql", "--state", "other.duckdb")
    assert other["new"] == SPANS
    (asked,) = told(
        command, "plan", "forgotten.sql", "--state", "other.duckdb", "--against", "service"
    )
    assert (asked["unchanged"], asked["against"]) == (SPANS, "service")


def test_the_state_is_in_the_database_that_the_models_run_on(command: Command) -> None:
    write(command, "tabled", "FROM mine")
    with duckdb.connect(command.folder / "mine.duckdb") as con:
        con.execute(
            "CREATE TABLE mine AS SELECT 'nobody-at-all' AS span_id, 'Q' AS name, 1.5 AS score,"
            " 'why' AS explanation"
        )
    told(command, "run", "tabled.sql", "--database", "mine.duckdb", status=1)
    with duckdb.connect(command.folder / "mine.duckdb") as con:
        rows = con.execute("SELECT model, unmatched FROM spanduck_state.runs").fetchall()
    assert rows == [("tabled", 1)]


def test_the_models_of_a_folder_are_told_in_a_table(command: Command) -> None:
    write(command, "models/first")
    write(command, "models/second", BAD)
    write(command, "models/third", "SELECT")
    done = command("run", "models", "--jobs", "2")
    assert (done.returncode, done.stdout) == (1, "")
    assert "first.sql: 6,000 rows, 6,000 values: 6,000 accepted in" in done.stderr
    assert "  row 0, span None, Bad: invalid, span_id is NULL" in done.stderr
    assert "third.sql: error: Parser Error" in done.stderr
    head, _, *rows = done.stderr.splitlines()[-5:]
    assert head.split()[:5] == ["model", "status", "rows", "values", "accepted"]
    assert [row.split()[:2] for row in rows] == [
        ["first.sql", "done"],
        ["second.sql", "incomplete"],
        ["third.sql", "failed"],
    ]
    assert "Traceback" not in done.stderr


def test_json_has_an_object_for_each_model(command: Command) -> None:
    write(command, "models/first")
    write(command, "models/second", BAD)
    (command.folder / "models" / "third.sql").write_text("SELECT 1", encoding="utf-8")
    first, second, third = told(command, "run", "models", status=1)
    assert (first["path"], first["status"], first["error"]) == ("models/first.sql", "done", None)
    assert (second["status"], second["invalid"], second["unmatched"]) == ("incomplete", 1, 3)
    assert [value["reason"] for value in second["not_written"]][:1] == ["span_id is NULL"]
    assert third["status"] == "failed"
    assert third["error"].startswith("ValidationError: models/third.sql:1: the model has no")


def test_a_limit_stops_a_model_before_it_sends(command: Command) -> None:
    write(command, "guarded", BAD)
    (stopped,) = told(command, "run", "guarded.sql", "--max-invalid", "10%", status=1)
    assert (stopped["status"], stopped["is_stopped"], stopped["calls"]) == ("stopped", True, 0)
    (allowed,) = told(command, "run", "guarded.sql", "--max-invalid", "1", status=1)
    assert (allowed["status"], allowed["calls"]) == ("incomplete", 1)
    (failed,) = told(command, "plan", "guarded.sql", "--only-failed", status=1)
    assert failed["values"] == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "Missing argument"),
        (["run", "m.sql", "--max-invalid", "few"], "'few' is no limit"),
        (["run", "m.sql", "--max-rejected", "101%"], "'101%' is no limit"),
        (["run", "m.sql", "--jobs", "0"], "--jobs"),
        (["run", "m.sql", "--limit", "-1"], "--limit"),
        (["plan", "m.sql", "--against", "servce"], "--against"),
        (["plan", "m.sql", "--format", "xml"], "--format"),
    ],
)
def test_bad_usage_is_told_as_such(command: Command, arguments: list[str], message: str) -> None:
    done = command(*arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_after_ctrl_c_the_next_run_does_the_rest(command: Command) -> None:
    pipe = command.folder / "rows.csv"
    os.mkfifo(pipe)
    select = """SELECT "context.span_id" AS span_id, 'Piped' AS name, 'ok' AS label
FROM spans('fernway-support')
WHERE (SELECT count(*) FROM read_csv('rows.csv', header = false, columns = {{'a': 'INT'}})) >= 0"""
    write(command, "piped", select)
    write(command, "ended")
    temporary = command.folder / "temporary"
    temporary.mkdir()
    environment = {**command.environment, "TMPDIR": str(temporary)}
    models = ("ended.sql", "piped.sql")
    with command.start("run", *models, "--jobs", "1", env=environment) as process:
        # Open once the model is being read, which then waits for what never comes.
        with pipe.open("w", encoding="utf-8"):
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
        assert "interrupted" in process.stderr.read()
    assert list(temporary.iterdir()) == []
    pipe.unlink()
    pipe.write_text("1\n", encoding="utf-8")
    (rest,) = told(command, "run", "piped.sql")
    assert rest["accepted"] == SPANS
