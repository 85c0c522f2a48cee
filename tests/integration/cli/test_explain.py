"""`spanduck explain`: what a statement would ask the service for."""

from __future__ import annotations

import json
import re
from typing import Any, TypeAlias

import pytest

# Classes of the folder's conftest, which is no module to import from.
Command: TypeAlias = Any

TEXT = """SELECT name, latency_ms FROM spans('fernway-support')
    WHERE status_code = 'ERROR' AND name LIKE '%a%' AND lower(name) <> 'x' AND latency_ms > 100"""


def test_each_call_is_shown_with_what_is_sent_and_what_is_not(command: Command) -> None:
    done = command("explain", TEXT)
    assert (done.returncode, done.stderr) == (0, "")
    shown = re.sub(r"\d{4}-\d\d-\d\d", "DAY", done.stdout)
    shown = re.sub(r"(rows +|3 of )\d+", r"\1N", shown)
    assert shown.splitlines() == [
        "spans('fernway-support')",
        "  window    everything, from DAY 00:00:00Z until DAY 00:00:00Z",
        "  filter    status_code = 'ERROR' AND name CONTAINS 'a' AND latency_ms > 100",
        "  columns   name, latency_ms, status_code (3 of N)",
        '  residual  ("status_code" = \'ERROR\' AND "latency_ms" > 100.0)',
        "  rows      N",
        "  not sent  LOWER(name) <> 'x'",
        "              lower(…) is no part of the filter language",
    ]


def test_json_is_a_list_of_plans_with_their_rows(command: Command) -> None:
    (plan,) = json.loads(command("explain", TEXT, "--format", "json").stdout)
    count = f"SELECT count(*) AS n FROM ({TEXT.replace('AND lower(name) <> ', 'AND name <> ')})"
    ((rows,),) = (row.values() for row in json.loads(command("query", count, "-f", "json").stdout))
    assert plan["estimated_rows"] == rows
    assert set(plan) >= {
        "project",
        "space",
        "start_time",
        "end_time",
        "filter",
        "columns",
        "residual",
        "not_pushed",
        "declared_schema",
        "sample_rate",
    }
    assert plan["filter"].startswith("status_code = 'ERROR' AND ")
    assert plan["not_pushed"][0]["predicate"] == "LOWER(name) <> 'x'"


def test_every_call_of_a_join_has_its_own_plan(command: Command) -> None:
    text = """SELECT count(*) FROM spans('fernway-support', filter := 'latency_ms > 5') a
        JOIN spans('fernway-support') b ON a."context.span_id" = b.parent_id
        WHERE a.status_code = 'OK' AND b.name LIKE 'x%'"""
    one, two = json.loads(command("explain", text, "-f", "json").stdout)
    assert one["filter"] == "(latency_ms > 5) AND (status_code = 'OK')"
    assert one["given_filter"] == "latency_ms > 5"
    assert two["filter"] == "name LIKE 'x%'"
    shown = command("explain", text).stdout
    assert shown.count("spans('fernway-support')") == 2
    assert "    yours   latency_ms > 5" in shown


def test_a_list_of_thousands_of_values_is_cut_for_people_only(command: Command) -> None:
    values = ", ".join(f"'span {number}'" for number in range(3_000))
    text = f"SELECT name FROM spans('fernway-support') WHERE name IN ({values})"
    assert max(map(len, command("explain", "-", given=text).stdout.splitlines())) < 2_100
    told = command("explain", "-", "-f", "json", given=text)
    assert len(json.loads(told.stdout)[0]["residual"]) > 30_000


def test_a_statement_that_reads_no_spans_says_so(command: Command) -> None:
    done = command("explain", "SELECT 1", "--format", "json")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    assert "no spans" in done.stderr


def test_nothing_is_written(command: Command) -> None:
    text = "COPY (FROM spans('fernway-support')) TO 'made.csv'"
    assert command("explain", text).returncode == 0
    (command.folder / "made.sql").write_text(
        "CREATE TABLE made AS FROM spans('fernway-support')", encoding="utf-8"
    )
    assert command("explain", "made.sql", "--database", "own.duckdb").returncode == 0
    done = command("query", "FROM made", "--database", "own.duckdb")
    assert "made does not exist" in done.stderr
    assert not (command.folder / "made.csv").exists()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("FROM spans('fernway-suport')", "fernway-support"),
        ("SELECT nam FROM spans('fernway-support')", '"name"'),
        ("FROM spans('fernway-support', filter := 'statuscode = 1')", "did you mean status_code"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("EXPLAIN SELECT 1", "EXPLAIN"),
        ("SELEC 1", "syntax error"),
    ],
)
def test_what_fails_is_told_in_a_few_lines(command: Command, text: str, word: str) -> None:
    done = command("explain", text)
    assert (done.returncode, done.stdout) == (1, "")
    assert word in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [(), ("nothing-here.sql",), ("SELECT 1", "-f", "xml")])
def test_bad_usage_is_status_2(bare_command: Command, arguments: tuple[str, ...]) -> None:
    assert bare_command("explain", *arguments).returncode == 2
