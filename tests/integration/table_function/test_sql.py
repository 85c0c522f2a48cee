"""`spanduck.sql`: statements rewritten before they are run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

import spanduck
from spanduck._output.results import run_query
from spanduck._sql import rewritten

if TYPE_CHECKING:
    from collections.abc import Callable

LIKE = "SELECT count(*) FROM spans('p') WHERE name LIKE '%tion 3'"


def filters(service: Any) -> list[str]:
    """What the service was asked for with a filter, each once."""
    asked = [command.filter_expression for command in service.commands]
    return list(dict.fromkeys(text for text in asked if text))


def test_what_duckdb_keeps_to_itself_travels(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    expected = con.sql(LIKE).fetchall()
    assert filters(fake_service) == []
    assert spanduck.sql(con, LIKE).fetchall() == expected == [(14,)]
    assert filters(fake_service) == ["name LIKE '%tion 3'"]


def test_the_callers_filter_and_the_engines_predicates_travel_beside_it(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    text = (
        "SELECT count(*) FROM spans('p', filter := 'latency_ms > 1') "
        "WHERE contains(name, '3') AND status_code = 'OK'"
    )
    assert spanduck.sql(con, text).fetchall() == [(14,)]
    (sent,) = filters(fake_service)
    assert sorted(sent.replace("(", "").replace(")", "").split(" AND ")) == [
        "latency_ms > 1",
        "name CONTAINS '3'",
        "status_code = 'OK'",
    ]


def test_a_relation_is_read_only_when_its_rows_are_asked_for(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    relation = spanduck.sql(con, "SELECT * FROM spans('p') WHERE name LIKE 'o%'")
    assert fake_service.batches_sent["p"] == 0
    reader = relation.filter("latency_ms > 1").to_arrow_reader(10)
    assert reader.read_next_batch().num_rows > 0
    del reader, relation
    assert fake_service.wait_closed()


def test_other_statements_answer_as_they_do_on_the_connection(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    assert spanduck.sql(con, "SET threads = 2").fetchall() == []
    made = spanduck.sql(con, "CREATE TABLE t AS FROM spans('p') WHERE name LIKE '%3'")
    assert made.fetchall() == con.sql("SELECT count(*) FROM t").fetchall() == [(14,)]
    assert filters(fake_service) == ["name LIKE '%3'"]


def test_parameters_are_passed_on(con: duckdb.DuckDBPyConnection) -> None:
    text = "SELECT count(*) FROM spans('p') WHERE name LIKE '%3' AND latency_ms > ?"
    assert spanduck.sql(con, text, params=[1]).fetchall() == [(14,)]
    assert spanduck.sql(con, text, params=[2]).fetchall() == [(0,)]
    named = "SELECT count(*) FROM spans($project) WHERE name LIKE '%3'"
    assert spanduck.sql(con, named, params={"project": "p"}).fetchall() == [(14,)]


def test_variables_are_found_where_it_is_called(con: duckdb.DuckDBPyConnection) -> None:
    labels = pd.DataFrame({"name": ["operation 3"], "label": ["good"]})
    text = "SELECT DISTINCT label FROM spans('p') s JOIN labels USING (name) WHERE s.name LIKE '%3'"
    assert len(labels) == 1
    assert spanduck.sql(con, text).fetchall() == [("good",)]


def test_a_cursor_and_a_transaction_will_do(con: duckdb.DuckDBPyConnection) -> None:
    with con.cursor() as cursor:
        cursor.begin()
        cursor.execute("CREATE TABLE wanted AS SELECT 'operation 3' AS name")
        text = "SELECT count(*) FROM spans('p') SEMI JOIN wanted USING (name) WHERE name LIKE 'o%'"
        assert spanduck.sql(cursor, text).fetchall() == [(14,)]
        cursor.rollback()


def test_unattached_is_an_error() -> None:
    with (
        duckdb.connect() as con,
        pytest.raises(spanduck.Error, match="not attached to this database"),
    ):
        spanduck.sql(con, "SELECT 1")


@pytest.mark.parametrize(
    "before",
    [
        "SET default_collation = 'NOCASE'",
        "CREATE MACRO contains(a, b) AS true",
        "CREATE TEMP MACRO contains(a, b) AS true",
        'CREATE MACRO "~~"(a, b) AS true',
    ],
)
def test_a_session_that_reads_conditions_in_its_own_way_is_left_alone(
    con: duckdb.DuckDBPyConnection, fake_service: Any, before: str
) -> None:
    con.execute(before)
    text = "SELECT count(*) FROM spans('p') WHERE name = 'OPERATION 3' OR contains(name, 'zz')"
    expected = con.sql(text).fetchall()
    assert spanduck.sql(con, text).fetchall() == expected
    assert rewritten(con, text).text == text


def test_somebody_elses_spans_is_left_alone(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE SCHEMA other")
    con.execute("CREATE MACRO other.spans(project, filter := NULL) AS TABLE SELECT 'a' AS name")
    theirs = "SELECT count(*) FROM other.spans('p') WHERE name LIKE 'a%'"
    ours = "SELECT count(*) FROM main.spans('p') WHERE name LIKE 'a%'"
    assert rewritten(con, theirs).text == theirs
    assert rewritten(con, ours).text != ours
    assert spanduck.sql(con, theirs).fetchall() == [(1,)]


def test_on_a_read_only_database_the_qualified_call_is_rewritten(
    fake_service: Any, make_wire_spans: Callable[..., pa.Table], tmp_path: Any
) -> None:
    fake_service.tables["p"] = make_wire_spans(20)
    path = tmp_path / "file.duckdb"
    duckdb.connect(str(path)).close()
    con = spanduck.connect(path, read_only=True, settings=fake_service.settings())
    text = "SELECT count(*) FROM spanduck_fn.spans('p') WHERE name LIKE '%3'"
    assert spanduck.sql(con, text).fetchall() == [(3,)]
    assert filters(fake_service) == ["name LIKE '%3'"]
    con.close()


def test_an_unknown_project_is_told_by_the_bind(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match="spanduck"):
        spanduck.sql(con, "SELECT * FROM spans('nobody') WHERE name LIKE 'a%'")


@pytest.mark.parametrize("run", [spanduck.sql, run_query])
def test_a_column_that_is_not_known_is_asked_for_once_more(
    fake_service: Any,
    make_wire_spans: Callable[..., pa.Table],
    tmp_path: Any,
    run: Callable[..., Any],
) -> None:
    fake_service.tables["p"] = make_wire_spans(20)
    # Another name of this machine stands for a distant service, whose columns are remembered.
    settings = fake_service.settings(flight_host="[::ffff:127.0.0.1]", home=str(tmp_path))
    con = spanduck.connect(settings=settings)
    text = """SELECT count(*) FROM spans('p') WHERE "attributes.new" LIKE 'n%'"""
    with pytest.raises(duckdb.BinderException):
        con.sql(text)
    fake_service.tables["p"] = make_wire_spans(30, **{"attributes.new": ["now"] * 30})
    with pytest.raises(duckdb.BinderException):
        con.sql(text)
    with pytest.raises(duckdb.BinderException):
        run(con, f"SELECT 1; {text}")
    assert run(con, text).fetchall() == [(30,)]
    assert filters(fake_service) == ["attributes.new LIKE 'n%'"]
    with pytest.raises(duckdb.BinderException):
        run(con, """SELECT "attributes.nowhere" FROM spans('p')""")
    con.close()


def test_the_same_rows_come_from_the_embedded_server(
    real: duckdb.DuckDBPyConnection, upload: Callable[[str, pa.Table], None]
) -> None:
    from_now = pd.Timestamp.now("UTC").value // 10**9 * 10**9 - 10**13
    names = ["chat a", "chat_b", "it's", "", None, "CHAT c", "100%"]
    count = len(names)
    upload(
        "rewritten",
        pa.table(
            {
                "context.span_id": [f"span-{number:012d}" for number in range(count)],
                "context.trace_id": [f"trace-{number:012d}" for number in range(count)],
                "name": [f"n{number}" for number in range(count)],
                "attributes.text": names,
                "start_time": pa.array([from_now] * count, pa.int64()),
                "end_time": pa.array([from_now + 10**6] * count, pa.int64()),
            }
        ),
    )
    real.execute(
        "CREATE TABLE labels AS SELECT * FROM (VALUES ('n0', 1), ('n5', 2), ('x', 3)) t(name, v)"
    )
    for condition in (
        "s.\"attributes.text\" LIKE 'chat%'",
        "s.\"attributes.text\" LIKE 'chat_%'",
        "contains(s.\"attributes.text\", '%')",
        "starts_with(s.\"attributes.text\", 'it''')",
        's."attributes.text" NOT LIKE \'c%\' OR s."attributes.text" IS NULL',
        "s.\"attributes.text\" LIKE '%' AND s.name != 'n1'",
    ):
        for source in (
            "spans('rewritten') s",
            "spans('rewritten') s LEFT JOIN labels USING (name)",
            "labels LEFT JOIN spans('rewritten') s USING (name)",
            "labels FULL JOIN (SELECT * FROM spans('rewritten')) s USING (name)",
        ):
            text = (
                f'SELECT s.name, s."attributes.text" FROM {source} WHERE {condition} ORDER BY ALL'
            )
            assert spanduck.sql(real, text).fetchall() == real.sql(text).fetchall(), text
