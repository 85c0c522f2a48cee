"""What `explain` says of a statement is what running it then asks for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from spanduck._explain import Explained, columns_of_project, explain
from spanduck._scan.scan import export_command
from spanduck._sql import sql
from spanduck.exceptions import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import duckdb

    from spanduck_sql.plan import ScanPlan

Sent = tuple[Any, ...]


@pytest.fixture(autouse=True)
def more(con: duckdb.DuckDBPyConnection, fake_service: Any, make_wire_spans: Any) -> None:
    """A second project, with odd names; a table and a view."""
    odd = {"attributes.n": [1.5] * 20, 'attributes."a\nb"': ["x"] * 20, "attributes.N": ["y"] * 20}
    fake_service.tables["odd"] = make_wire_spans(20, **odd)
    con.execute("CREATE TABLE own AS SELECT 'operation ' || range AS name FROM range(9)")
    con.execute("CREATE VIEW seen AS FROM spans('p')")


def sent(command: Any) -> Sent:
    return (
        command.project,
        command.start_time,
        command.end_time,
        command.filter_expression,
        tuple(command.projected_columns),
        command.sample_rate,
    )


STATEMENTS = (
    "FROM spans('p')",
    "SELECT count(*) FROM spans('p')",
    "SELECT count(*) FROM spans('p') WHERE latency_ms > 1",
    "SELECT name FROM spans('p') WHERE status_code = 'OK' AND name LIKE '%ope%'",
    "SELECT name FROM spans('p') WHERE lower(name) = 'x' OR status_code = 'OK'",
    "SELECT name FROM spans('p', filter := 'latency_ms > 1') WHERE name <> 'a'",
    "SELECT name FROM spans('p', columns := ['name', 'latency_ms'], sample_rate := 0.5)",
    "SELECT name FROM seen WHERE name LIKE 'o%' AND latency_ms < 9 ORDER BY start_time LIMIT 3",
    (
        "SELECT a.name, b.latency_ms FROM spans('p') a JOIN spans('p') b USING (\"context.span_id\") "
        "WHERE a.status_code = 'OK' AND b.name = 'operation 1'"
    ),
    (
        "SELECT a.name FROM spans('p', start_time := TIMESTAMPTZ '2023-11-14 22:13:30+00') a "
        'JOIN spans(\'p\') b ON a."context.span_id" = b."context.span_id" AND b.latency_ms > 1'
    ),
    (
        "WITH w AS (FROM spans('p') WHERE latency_ms > 1) "
        "SELECT count(*) FROM w a JOIN w b ON a.name = b.name WHERE a.status_code = 'OK'"
    ),
    (
        "SELECT name, (SELECT max(latency_ms) FROM spans('odd') y WHERE y.name = x.name) "
        "FROM spans('p') x WHERE EXISTS (FROM own WHERE own.name = x.name)"
    ),
    "FROM spans('p') UNION ALL BY NAME FROM spans('odd') WHERE name = 'operation 3'",
    "SELECT own.name FROM own LEFT JOIN spans('p') s ON s.name = own.name AND s.latency_ms > 1",
    "PIVOT spans('p') ON name IN ('operation 1', 'operation 2') USING count(*) GROUP BY status_code",
    "SELECT name FROM spans('p') GROUP BY ALL HAVING count(*) > 1 AND name LIKE 'o%'",
    'SELECT "attributes.n", "attributes.N~2" FROM spans(\'odd\') WHERE "attributes.N~2" = \'y\'',
    'SELECT "attributes.""a\nb""" FROM spans(\'odd\') WHERE name = \'spanduck_0_1\'',
    "SELECT name FROM spans('p') WHERE contains(name, 'spanduck_0_1')",
    "SELECT 1 FROM spans('p') WHERE latency_ms + 1 > latency_ms AND status_code = 'OK'",
    "SELECT 1 FROM spans('p') WHERE strftime(start_time, '%Y') = '2023' AND latency_ms < 9",
    "SELECT name FROM spans('p') WHERE start_time >= TIMESTAMPTZ '2023-11-14 22:13:30.5+00'",
)


@pytest.mark.parametrize("text", STATEMENTS)
def test_what_is_explained_is_what_is_then_sent(
    con: duckdb.DuckDBPyConnection, fake_service: Any, text: str
) -> None:
    explained = explain(con, text)
    assert fake_service.batches_sent == {}
    fake_service.commands.clear()
    relation = sql(con, text)
    assert relation is not None
    relation.fetchall()
    exports = [sent(command) for command in fake_service.commands if command.projected_columns]
    planned = [sent(export_command(scan.plan)) for scan in explained.scans]
    assert sorted(planned, key=repr) == sorted(exports, key=repr)
    assert explained.unread == ()


def only(explained: Explained) -> ScanPlan:
    (scan,) = explained.scans
    return scan.plan


def reasons(plan: ScanPlan) -> dict[str, str]:
    return dict(plan.not_pushed)


def test_the_dictionary_is_the_plans_with_the_rows(con: duckdb.DuckDBPyConnection) -> None:
    (scan,) = explain(con, "SELECT name FROM spans('p') WHERE latency_ms > 1").scans
    told = json.loads(json.dumps(scan.to_dict()))
    assert told == {**json.loads(json.dumps(scan.plan.to_dict())), "estimated_rows": 100}
    assert told["filter"] == "latency_ms > 1"
    assert told["columns"] == ["name"]


def test_rows_are_unknown_when_the_service_does_not_say(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    fake_service.misbehaviour.total_records = -1
    assert explain(con, "FROM spans('p')").scans[0].estimated_rows is None


def test_what_the_engine_keeps_is_told_with_its_reason(con: duckdb.DuckDBPyConnection) -> None:
    text = "SELECT 1 FROM spans('p') WHERE lower(name) = 'x' AND status_code NOT LIKE 'a%' AND latency_ms > 1"
    told = reasons(only(explain(con, text)))
    assert len(told) == 2
    assert any("lower(…)" in reason for reason in told.values())
    assert any("NOT LIKE" in reason for reason in told.values())


def test_a_condition_that_may_fail_is_told(con: duckdb.DuckDBPyConnection) -> None:
    text = "SELECT 1 FROM seen WHERE strftime(start_time, '%Y') = '2023' AND abs(latency_ms) > 1"
    told = reasons(only(explain(con, text)))
    assert sorted(reason.partition("(")[0] for reason in told.values()) == ["abs", "strftime"]


def test_a_condition_that_no_rewrite_reaches_is_told(con: duckdb.DuckDBPyConnection) -> None:
    plan = only(explain(con, "SELECT name FROM seen WHERE name LIKE '%x%' AND latency_ms > 1"))
    assert plan.filter_text == "latency_ms > 1"
    assert [text for text, reason in plan.not_pushed if "does not offer" in reason] == [
        "contains(\"name\", 'x')"
    ]


def test_what_the_engine_folds_to_a_bound_is_not_told(con: duckdb.DuckDBPyConnection) -> None:
    text = "SELECT name FROM spans('p') WHERE start_time >= now() - INTERVAL 1 DAY"
    plan = only(explain(con, text))
    assert plan.not_pushed == ()
    assert (plan.end_time - plan.start_time).days < 400


def test_nothing_is_told_twice(con: duckdb.DuckDBPyConnection) -> None:
    plan = only(
        explain(con, "SELECT 1 FROM spans('p') s WHERE s.name > 'm' AND upper(s.name) = 'M'")
    )
    assert len(plan.not_pushed) == 2


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE made AS SELECT name FROM spans('p') WHERE latency_ms > 1",
        "INSERT INTO own SELECT name FROM spans('p') WHERE latency_ms > 1",
        "COPY (SELECT name FROM spans('p') WHERE latency_ms > 1) TO 'made.csv'",
        "UPDATE own SET name = 'x' WHERE name IN (SELECT name FROM spans('p') WHERE latency_ms > 1)",
        "DELETE FROM own USING spans('p') s WHERE s.name = own.name AND s.latency_ms > 1",
    ],
)
def test_a_statement_that_writes_is_explained_and_not_run(
    con: duckdb.DuckDBPyConnection, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = con.sql("FROM own ORDER BY ALL").fetchall()
    plan = only(explain(con, text))
    assert plan.filter_text == "latency_ms > 1"
    assert "name" in plan.columns
    assert con.sql("FROM own ORDER BY ALL").fetchall() == before
    assert con.sql("SELECT table_name FROM duckdb_tables()").fetchall() == [("own",)]
    assert list(tmp_path.glob("*.csv")) == []


def test_an_empty_window_asks_for_nothing(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    fake_service.commands.clear()
    text = "FROM spans('p', start_time := DATE '2024-01-02', end_time := DATE '2024-01-01')"
    (scan,) = explain(con, text).scans
    assert (scan.plan.is_empty, scan.estimated_rows) == (True, 0)
    assert not any(command.projected_columns for command in fake_service.commands)


def test_a_call_of_which_no_row_matters_is_told_apart(con: duckdb.DuckDBPyConnection) -> None:
    explained = explain(con, "SELECT * FROM spans('p') WHERE false")
    assert explained == Explained((), ("spans('p')",))


def test_a_statement_without_spans_asks_for_nothing(con: duckdb.DuckDBPyConnection) -> None:
    assert explain(con, "FROM own") == Explained(())


def test_a_generated_filter_that_the_service_refuses_is_told(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    fake_service.misbehaviour.refuses = lambda text: (
        pa.ArrowInvalid("no such field") if "latency_ms" in text else None
    )
    text = "SELECT 1 FROM spans('p', filter := 'name = ''a''') WHERE latency_ms > 1"
    plan = only(explain(con, text))
    assert plan.filter_text == "name = 'a'"
    ((refused, reason),) = plan.not_pushed
    assert "latency_ms > 1" in refused
    assert "no such field" in reason


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("EXPLAIN ANALYZE FROM spans('p')", "EXPLAIN"),
        ("PIVOT spans('p') ON name", "Name them"),
        ("SET threads = 1", "SET"),
        ("PREPARE q AS FROM spans('p')", "PREPARE"),
    ],
)
def test_what_cannot_be_explained_says_so(
    con: duckdb.DuckDBPyConnection, text: str, words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        explain(con, text)


def test_statements_run_as_ever_afterwards(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(Exception, match="nothing_of_this_name"):
        explain(con, "SELECT nothing_of_this_name FROM spans('p')")
    assert con.sql("SELECT count(*), max(name) FROM spans('p')").fetchall() == [
        (100, "operation 6")
    ]


def test_a_column_that_appears_later_is_found(
    con: duckdb.DuckDBPyConnection, fake_service: Any, make_wire_spans: Callable[..., pa.Table]
) -> None:
    explain(con, "FROM spans('p')")
    fake_service.tables["p"] = make_wire_spans(100, **{"attributes.late": ["x"] * 100})
    plan = only(explain(con, "SELECT \"attributes.late\" FROM spans('p')"))
    assert plan.columns == ("attributes.late",)


def test_evaluations_are_explained_as_the_export_they_are_made_of(
    con: duckdb.DuckDBPyConnection, fake_service: Any, make_wire_spans: Callable[..., pa.Table]
) -> None:
    fake_service.tables["e"] = make_wire_spans(
        5, **{"eval.A.label": ["x"] * 5, "eval.B.label": ["y"] * 5}
    )
    text = "SELECT label FROM evaluations('e') WHERE name = 'A' AND label LIKE 'x%'"
    (scan,) = explain(con, text).scans
    assert scan.function == "evaluations"
    assert "eval.A.label" in scan.plan.columns
    assert "eval.B.label" not in scan.plan.columns
    assert [reason for text, reason in scan.plan.not_pushed if "LIKE" in text] == [
        "applied to the evaluations, which are made here of the spans' columns"
    ]
    unknown = explain(con, "SELECT label FROM evaluations('e') WHERE name = 'C'")
    assert unknown == Explained((), ("evaluations('e')",))


def test_the_columns_of_a_project_are_those_of_select_star(
    con: duckdb.DuckDBPyConnection,
) -> None:
    assert columns_of_project(con, "p").names == con.sql("FROM spans('p')").columns
