"""`FROM write_back(…)`: a write-back as a table."""

from __future__ import annotations

import threading
import zlib
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

import spanduck
from spanduck._explain import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SPANS = 300
MODEL = """SELECT "context.span_id" AS span_id, '{name}' AS name, 'ok' AS label FROM spans('{project}')"""


@pytest.fixture
def project(new_project: Callable[[str], str], request: pytest.FixtureRequest) -> str:
    # Names of tests have quotes in them.
    return new_project(f"from-sql-{zlib.crc32(request.node.name.encode())}")


@pytest.fixture(params=[1, 4], ids=["1 thread", "4 threads"])
def con(
    request: pytest.FixtureRequest, settings: dict[str, Any], tmp_path: Path
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection on a file, which holds the state too."""
    con = spanduck.connect(tmp_path / "mine.duckdb", config={"threads": request.param}, **settings)
    yield con
    con.close()


def call(project: str, name: str = "Quality", more: str = "") -> str:
    model = MODEL.format(name=name, project=project)
    return f"write_back($${model}$$, project := '{project}', kind := 'eval'{more})"


def statuses(con: duckdb.DuckDBPyConnection, source: str) -> dict[str, int]:
    return dict(con.execute(f"SELECT status, count(*) FROM {source} GROUP BY ALL").fetchall())


def test_the_rows_are_what_became_of_each_value(
    con: duckdb.DuckDBPyConnection, project: str, stored: Callable[[str], dict[Any, Any]]
) -> None:
    rows = con.sql(f"FROM {call(project)} ORDER BY row")
    assert rows.columns == [
        *("run_id", "model", "project", "kind"),
        *("row", "span_id", "name", "status", "error_code", "reason"),
    ]
    told = rows.fetchall()
    assert [row[4] for row in told] == list(range(SPANS))
    (run,) = {row[:4] for row in told}
    assert run[2:] == (project, "eval")
    assert con.execute("SELECT run_id, model FROM spanduck_state.runs").fetchall() == [run[:2]]
    assert {row[6:] for row in told} == {("Quality", "accepted", None, None)}
    assert {row[5] for row in told} == {span_id for span_id, _ in stored(project)}


def test_the_second_time_nothing_is_sent(con: duckdb.DuckDBPyConnection, project: str) -> None:
    con.execute(f"CREATE VIEW again AS FROM {call(project)}")
    assert statuses(con, "again") == {"accepted": SPANS}
    assert statuses(con, "again") == {"unchanged": SPANS}
    assert statuses(con, call(project, more=', "full" := true')) == {"accepted": SPANS}
    calls = con.execute("SELECT calls FROM spanduck_state.runs ORDER BY started_at").fetchall()
    assert calls == [(1,), (0,), (1,)]


@pytest.mark.parametrize(
    "statement",
    [
        "EXPLAIN FROM {}",
        "DESCRIBE FROM {}",
        "PREPARE later AS FROM {}",
        "CREATE VIEW later AS FROM {}",
        "CREATE MACRO later() AS TABLE FROM {}",
        "FROM {} LIMIT 0",
        "FROM {} WHERE false",
    ],
)
def test_nothing_is_sent_before_rows_are_read(
    con: duckdb.DuckDBPyConnection,
    project: str,
    stored: Callable[[str], dict[Any, Any]],
    statement: str,
) -> None:
    con.execute(statement.format(call(project))).fetchall()
    relation = con.sql(f"FROM {call(project)}")
    assert len(relation.types) == 10
    assert con.sql(f"SELECT count(*) FROM {call(project)}").columns == ["count_star()"]
    assert stored(project) == {}
    assert con.execute("FROM duckdb_tables()").fetchall() == []


def test_explain_runs_nothing(
    con: duckdb.DuckDBPyConnection, project: str, stored: Callable[[str], dict[Any, Any]]
) -> None:
    explained = explain(con, f"CREATE TABLE written AS FROM {call(project)}")
    assert (explained.scans, explained.unread, explained.writes_back) == ((), (), True)
    assert stored(project) == {}


def test_a_prepared_statement_sends_each_time_it_is_executed(
    con: duckdb.DuckDBPyConnection, project: str
) -> None:
    con.execute(f"PREPARE later AS SELECT count(*) FROM {call(project)} WHERE status = $1")
    assert con.execute("EXECUTE later('accepted')").fetchall() == [(SPANS,)]
    assert con.execute("EXECUTE later('unchanged')").fetchall() == [(SPANS,)]


def test_a_plan_is_one_row_and_sends_nothing(
    con: duckdb.DuckDBPyConnection, project: str, stored: Callable[[str], dict[Any, Any]]
) -> None:
    dry = call(project, more=", dry_run := true")
    told = "SELECT project, kind, rows, values, new, changed, unchanged, calls, against"
    expected = (project, "eval", SPANS, SPANS, SPANS, 0, 0, 1, "state")
    assert con.execute(f"{told} FROM {dry}").fetchall() == [expected]
    assert stored(project) == {}
    statuses(con, call(project))
    assert con.execute(f"SELECT new, unchanged, calls FROM {dry}").fetchall() == [(0, SPANS, 0)]


def test_a_limit_on_the_rows_is_none_on_what_is_sent(
    con: duckdb.DuckDBPyConnection, project: str, stored: Callable[[str], dict[Any, Any]]
) -> None:
    assert len(con.execute(f"FROM {call(project)} LIMIT 1").fetchall()) == 1
    assert len(stored(project)) == SPANS


def test_max_values_leaves_the_rest_to_another_run(
    con: duckdb.DuckDBPyConnection, project: str
) -> None:
    some = call(project, more=", max_values := 100")
    assert statuses(con, some) == {"accepted": 100}
    assert statuses(con, call(project))["accepted"] == SPANS - 100


def test_outcomes_become_a_table_beside_the_state(
    con: duckdb.DuckDBPyConnection, project: str
) -> None:
    con.execute(f"CREATE TABLE written AS FROM {call(project)}")
    assert statuses(con, "written") == {"accepted": SPANS}
    con.execute("BEGIN")
    con.execute(f"INSERT INTO written FROM {call(project)}")
    con.execute("COMMIT")
    assert statuses(con, "written") == {"accepted": SPANS, "unchanged": SPANS}


def test_what_a_transaction_has_not_committed_is_not_seen(
    con: duckdb.DuckDBPyConnection, project: str
) -> None:
    con.execute("BEGIN")
    con.execute(
        "CREATE TABLE mine AS SELECT 'span-000000000001' AS span_id, 'Q' AS name, 1 AS score"
    )
    source = f"write_back('FROM mine', project := '{project}', kind := 'eval')"
    with pytest.raises(duckdb.InvalidInputException, match="Table with name mine does not exist"):
        con.execute(f"FROM {source}")
    con.execute("ROLLBACK")
    con.execute(
        "CREATE TABLE mine AS SELECT 'span-000000000001' AS span_id, 'Q' AS name, 1 AS score"
    )
    con.execute("BEGIN")
    assert statuses(con, source) == {"accepted": 1}
    con.execute("ROLLBACK")
    assert statuses(con, source) == {"unchanged": 1}


def test_two_write_backs_of_one_statement_do_not_wait_for_each_other(
    con: duckdb.DuckDBPyConnection, project: str, stored: Callable[[str], dict[Any, Any]]
) -> None:
    one, other = call(project, "One"), call(project, "Other")
    for join in (f"{one} JOIN {other} USING (row)", f"{one} POSITIONAL JOIN {other}"):
        assert con.execute(f"SELECT count(*) FROM {join}").fetchall() == [(SPANS,)]
    assert len(stored(project)) == 2 * SPANS


def test_a_view_that_is_read_twice_in_a_statement_is_sent_once(
    con: duckdb.DuckDBPyConnection, project: str
) -> None:
    con.execute(f"CREATE VIEW mine AS FROM {call(project)}")
    told = con.execute("""
        SELECT DISTINCT a.run_id = b.run_id, a.status, b.status
        FROM mine AS a JOIN mine AS b USING (row) ORDER BY ALL
    """).fetchall()
    assert told in ([(False, "accepted", "unchanged")], [(False, "unchanged", "accepted")])
    runs = con.execute("SELECT status, accepted FROM spanduck_state.runs ORDER BY ALL").fetchall()
    assert runs == [("done", 0), ("done", SPANS)]


def test_cursors_write_back_at_the_same_time(con: duckdb.DuckDBPyConnection, project: str) -> None:
    told: dict[str, dict[str, int]] = {}

    def run(name: str) -> None:
        with con.cursor() as cursor:
            told[name] = statuses(cursor, call(project, name))

    threads = [threading.Thread(target=run, args=(name,)) for name in ("A", "B", "C")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == {name: {"accepted": SPANS} for name in ("A", "B", "C")}


def test_a_reader_that_is_let_go_of_leaves_nothing_behind(
    con: duckdb.DuckDBPyConnection, project: str
) -> None:
    reader = con.sql(f"FROM {call(project)}").to_arrow_reader(10)
    assert len(reader.read_next_batch()) == 10
    reader.close()
    del reader
    assert statuses(con, call(project)) == {"unchanged": SPANS}


def test_cancel_ends_the_run_and_the_next_one_does_the_work(
    con: duckdb.DuckDBPyConnection, project: str, stored: Callable[[str], dict[Any, Any]]
) -> None:
    orders = ["cancel"]

    def obeyed(label: str) -> str:
        if orders:
            orders.pop()
            spanduck.cancel(con)
        return label

    con.create_function("obeyed", obeyed, ["VARCHAR"], "VARCHAR", side_effects=True)
    source = call(project).replace("'ok'", "obeyed('ok')")
    with pytest.raises(duckdb.InvalidInputException, match=r"\[spanduck.CancelledError\]"):
        con.execute(f"FROM {source}")
    assert stored(project) == {}
    assert statuses(con, source) == {"accepted": SPANS}


def test_names_are_looked_up_where_the_session_does_and_times_are_in_its_zone(
    con: duckdb.DuckDBPyConnection, project: str, stored: Callable[[str], dict[Any, Any]]
) -> None:
    con.execute("CREATE SCHEMA other")
    con.execute("CREATE TABLE other.ids AS SELECT 'span-000000000001' AS span_id")
    con.execute("USE other")
    con.execute("SET TimeZone = 'Asia/Tokyo'")
    model = "SELECT span_id, 'Zone' AS name, current_setting('TimeZone') AS label FROM ids"
    con.execute(
        f"SELECT count(*) FROM mine.main.write_back($${model}$$, project := $1, kind := 'eval')",
        [project],
    )
    assert stored(project) == {("span-000000000001", "eval.Zone.label"): "Asia/Tokyo"}


def test_a_model_file_says_the_rest(
    con: duckdb.DuckDBPyConnection, project: str, tmp_path: Path
) -> None:
    head = f'/* spanduck\nkind = "eval"\nproject = "{project}"\nname = "mine"\n*/\n'
    path = tmp_path / "model.sql"
    path.write_text(head + MODEL.format(name="Filed", project=project), encoding="utf-8")
    rows = con.execute(f"SELECT DISTINCT model, status FROM write_back('{path}')").fetchall()
    assert rows == [("mine", "accepted")]
    named = f"SELECT DISTINCT model, status FROM write_back('{path}', name := 'yours')"
    assert con.execute(named).fetchall() == [("yours", "unchanged")]


def test_text_and_project_may_be_parameters(con: duckdb.DuckDBPyConnection, project: str) -> None:
    text = MODEL.format(name="Given", project=project)
    given = "SELECT count(*) FROM write_back(?, project := ?, kind := ?)"
    assert con.execute(given, [text, project, "eval"]).fetchall() == [(SPANS,)]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("write_back('SELECT 1')", "ConfigError] write_back(…) of a query needs a project"),
        ("write_back('', project := 'p')", "ValidationError] write_back(…) needs a model"),
        ("write_back(NULL)", "ValidationError] write_back(…) needs a model"),
        ("write_back('absent.sql')", "ValidationError] cannot read the model absent.sql"),
        ("write_back('SELECT 1', project := 'absent')", "UnknownProjectError] no project"),
        (
            "write_back('SELECT 1', project := 'p', max_invalid := '5')",
            "UnknownProjectError] no project",
        ),
        (
            "write_back('SELECT 1', project := 'p', max_invalid := 'few')",
            "ValidationError] 'few' is no limit",
        ),
        (
            "write_back('SELECT 1', project := 'p', against := 'stat')",
            "ValidationError] against is 'stat'. Did you mean 'state'?",
        ),
        (
            "write_back($$FROM write_back('SELECT 1', project := 'p')$$, project := '{project}')",
            "ValidationError] write_back(…) stands in the query of another",
        ),
        ("write_back('SELECT 1 AS a', project := '{project}')", "ValidationError] "),
    ],
)
def test_what_goes_wrong_is_told_with_its_class(
    con: duckdb.DuckDBPyConnection, project: str, source: str, error: str
) -> None:
    with pytest.raises(duckdb.InvalidInputException) as caught:
        con.execute(f"FROM {source.format(project=project)}")
    assert f"[spanduck.{error}" in str(caught.value)
    assert isinstance(spanduck.last_error(con), spanduck.Error)


def test_detach_takes_it_away_and_attach_brings_it_back(
    con: duckdb.DuckDBPyConnection, project: str, settings: dict[str, Any]
) -> None:
    spanduck.detach(con)
    with pytest.raises(duckdb.CatalogException, match="write_back does not exist"):
        con.execute(f"FROM {call(project)}")
    spanduck.attach(con, **settings)
    assert statuses(con, call(project)) == {"accepted": SPANS}


def test_a_read_only_database_is_written_back_from_by_the_qualified_name(
    project: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    with duckdb.connect(tmp_path / "theirs.duckdb") as con:
        con.execute(
            "CREATE TABLE ids AS SELECT 'span-000000000001' AS span_id, 'Read' AS name, 1 AS score"
        )
    con = spanduck.connect(
        tmp_path / "theirs.duckdb", read_only=True, **settings, home=str(tmp_path / "home")
    )
    source = f"spanduck_fn.write_back('FROM ids', project := '{project}', kind := 'eval')"
    assert statuses(con, source) == {"accepted": 1}
    assert statuses(con, source) == {"unchanged": 1}
    assert (tmp_path / "home" / "state.duckdb").exists()
    con.close()
