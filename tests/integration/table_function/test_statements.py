"""`spans(…)` in every kind of statement."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

import spanduck

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

FIRST = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def one(con: duckdb.DuckDBPyConnection, query: str, parameters: Any = None) -> Any:
    rows = con.execute(query, parameters).fetchall()
    assert len(rows) == 1
    return rows[0][0]


def test_every_row_is_counted(con: duckdb.DuckDBPyConnection) -> None:
    assert one(con, "SELECT count(*) FROM spans('p')") == 100


def test_a_star_gives_the_core_columns_in_their_order(con: duckdb.DuckDBPyConnection) -> None:
    names = [row[0] for row in con.execute("DESCRIBE FROM spans('p')").fetchall()]
    assert names == [
        "context.span_id",
        "context.trace_id",
        "parent_id",
        "name",
        "start_time",
        "end_time",
        "latency_ms",
        "status_code",
        "status_message",
        "attributes.openinference.span.kind",
        "event.attributes",
        "events",
    ]


def test_only_the_columns_that_are_read_travel(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    con.execute("SELECT name FROM spans('p') WHERE status_code = 'OK'").fetchall()
    assert set(fake_service.commands[-1].projected_columns) == {"name", "status_code"}


def test_bounds_on_the_start_travel_and_the_narrower_wins(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    count = one(
        con,
        "SELECT count(*) FROM spans('p', start_time := TIMESTAMPTZ '2023-11-14 22:13:22+00') "
        "WHERE start_time > TIMESTAMPTZ '2023-11-14 22:13:25.5+00' "
        "AND start_time <= TIMESTAMPTZ '2023-11-14 22:13:30+00'",
    )
    assert count == 5
    command = fake_service.commands[-1]
    assert command.start_time == FIRST + timedelta(seconds=5)
    assert command.end_time == FIRST + timedelta(seconds=11)


def test_an_empty_window_asks_for_no_rows(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    count = one(
        con, "SELECT count(*) FROM spans('p', start_time := '2024-01-02', end_time := '2024-01-01')"
    )
    assert count == 0
    assert all(command.start_time is None for command in fake_service.commands)


def test_explain_shows_what_the_scan_was_handed(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute(
        "EXPLAIN SELECT name FROM spans('p') WHERE latency_ms > 1 AND name LIKE 'a%'"
    ).fetchall()
    text = rows[0][1]
    assert '"latency_ms" > 1.0' in text
    assert "Projections: name" in text
    assert "~100 rows" in text


def test_parameters_may_be_prepared(con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT count(*) FROM spans(?, start_time := ?, columns := ?)"
    start = FIRST + timedelta(seconds=90)
    assert one(con, query, ["p", start, ["name"]]) == 10
    con.execute("PREPARE q AS SELECT count(*) FROM spans($1, start_time := $2)")
    assert one(con, "EXECUTE q('p', '2023-11-14 22:13:30+00')") == 90
    assert one(con, "EXECUTE q('p', NULL)") == 100


def test_a_statement_prepared_with_constants_outlives_many_others(
    con: duckdb.DuckDBPyConnection,
) -> None:
    con.execute("PREPARE q AS SELECT count(*) FROM spans('p')")
    for _ in range(300):
        con.execute("SELECT 1 FROM spans('p', columns := ['name']) LIMIT 0").fetchall()
    assert one(con, "EXECUTE q") == 100


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("WITH w AS (FROM spans('p')) SELECT count(*) FROM w a JOIN w b USING (\"context.span_id\")", 100),
        ("SELECT count(*) FROM spans('p') a JOIN spans('p') b ON a.\"context.span_id\" = b.\"context.span_id\"", 100),
        ("SELECT count(*) FROM spans('p') a POSITIONAL JOIN spans('p') b", 100),
        ("SELECT count(*) FROM (FROM spans('p') UNION ALL FROM spans('p'))", 200),
        ("SELECT (SELECT count(*) FROM spans('p'))", 100),
        ("SELECT count(*) FROM range(3) WHERE 100 = (SELECT count(*) FROM spans('p'))", 3),
        ("SELECT count(*) FROM (FROM spans('p') LIMIT 15)", 15),
        ("SELECT count(DISTINCT name) FROM spans('p')", 7),
        ("SELECT count(*) FROM spans('p') WHERE false", 0),
        ("SELECT count(*) FROM spans('p') WHERE events IS NULL", 100),
    ],
)  # fmt: skip
def test_it_composes(con: duckdb.DuckDBPyConnection, query: str, expected: int) -> None:
    assert one(con, query) == expected


def test_a_view_is_evaluated_anew(
    con: duckdb.DuckDBPyConnection, fake_service: Any, make_wire_spans: Callable[..., pa.Table]
) -> None:
    con.execute("CREATE VIEW v AS FROM spans('p')")
    assert one(con, "SELECT count(*) FROM v") == 100
    fake_service.tables["p"] = make_wire_spans(7)
    assert one(con, "SELECT count(*) FROM v") == 7


def test_a_table_is_made_of_it(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE t AS FROM spans('p')")
    con.execute("INSERT INTO t FROM spans('p')")
    assert one(con, "SELECT count(*) FROM t") == 200


def test_a_relation_can_be_refined(con: duckdb.DuckDBPyConnection) -> None:
    relation = (
        con.sql("FROM spans('p')").filter("start_time < '2023-11-14 22:13:25+00'").project("name")
    )
    assert len(relation.fetchall()) == 5
    assert len(relation.fetchall()) == 5


def test_columns_gives_exactly_those_in_that_order(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    rows = con.execute(
        "FROM spans('p', start_time := '2023-11-14 22:13:21+00', end_time := '2023-11-14 22:13:22+00', "
        "columns := ['STATUS_CODE', 'name'])"
    )
    assert [column[0] for column in rows.description or []] == ["status_code", "name"]
    assert rows.fetchall() == [("OK", "operation 1")]
    assert fake_service.commands[-1].projected_columns == ("status_code", "name", "start_time")


def test_a_limit_ends_the_remote_stream(
    con: duckdb.DuckDBPyConnection, fake_service: Any, make_wire_spans: Callable[..., pa.Table]
) -> None:
    fake_service.tables["long"] = make_wire_spans(20_000)
    fake_service.misbehaviour.pause_s = 0.005
    assert len(con.execute("SELECT name FROM spans('long') LIMIT 5").fetchall()) == 5
    assert fake_service.wait_closed()
    assert fake_service.batches_sent["long"] < 500


def test_a_dropped_reader_ends_the_remote_stream(
    con: duckdb.DuckDBPyConnection, fake_service: Any, make_wire_spans: Callable[..., pa.Table]
) -> None:
    fake_service.tables["long"] = make_wire_spans(200_000)
    reader = con.sql("FROM spans('long')").to_arrow_reader()
    assert reader.read_next_batch().num_rows > 0
    assert fake_service.wait_open(1)
    del reader
    assert fake_service.wait_closed()


def test_a_closed_cursor_ends_the_remote_stream(
    con: duckdb.DuckDBPyConnection, fake_service: Any, make_wire_spans: Callable[..., pa.Table]
) -> None:
    fake_service.tables["long"] = make_wire_spans(200_000)
    cursor = con.cursor()
    reader = cursor.sql("FROM spans('long')").to_arrow_reader()
    reader.read_next_batch()
    cursor.close()
    del reader, cursor
    assert fake_service.wait_closed()


def test_cursors_and_threads_read_side_by_side(con: duckdb.DuckDBPyConnection) -> None:
    counts: list[int] = []

    def work() -> None:
        with con.cursor() as cursor:
            counts.extend(one(cursor, "SELECT count(*) FROM spans('p')") for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [100] * 20


def test_names_that_differ_only_by_case_stay_apart(
    con: duckdb.DuckDBPyConnection, fake_service: Any, make_wire_spans: Callable[..., pa.Table]
) -> None:
    fake_service.tables["cases"] = make_wire_spans(
        2,
        **{
            "attributes.b": ["b1", "b2"],
            "attributes.Env": ["P", "Q"],
            "attributes.env": ["x", "y"],
        },
    )
    rows = con.execute(
        'SELECT "attributes.Env", "attributes.env~2", "attributes.b" FROM spans(\'cases\') '
        "WHERE \"attributes.env~2\" = 'y'"
    ).fetchall()
    assert rows == [("Q", "y", "b2")]
    assert set(fake_service.commands[-1].projected_columns) == {
        "attributes.Env",
        "attributes.env",
        "attributes.b",
    }
    named = con.execute("FROM spans('cases', columns := ['attributes.env~2'])").fetchall()
    assert named == [("x",), ("y",)]


def test_a_column_that_the_stream_lacks_is_null_and_one_that_nobody_knows_is_ignored(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    fake_service.misbehaviour.extra_columns = {"attributes.new": "x"}
    rows = con.execute("SELECT status_message, events FROM spans('p') LIMIT 1").fetchall()
    assert rows == [(None, None)]


def test_the_schema_comes_from_the_stream_when_the_announcement_has_none(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    fake_service.misbehaviour.has_schema = False
    assert one(con, "SELECT count(latency_ms) FROM spans('p')") == 100
    assert fake_service.wait_closed()


def test_a_forgotten_ticket_is_asked_for_again(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    fake_service.misbehaviour.drop_tickets = 1
    assert one(con, "SELECT count(*) FROM spans('p')") == 100


def test_a_schema_is_remembered_where_asking_is_not_free(
    con: duckdb.DuckDBPyConnection,
    fake_service: Any,
    make_wire_spans: Callable[..., pa.Table],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    # `is_loopback` looks at the name, so another name of this machine stands for a distant service.
    settings = fake_service.settings(flight_host="[::ffff:127.0.0.1]", home=str(tmp_path))
    with spanduck.connect(settings=settings) as distant:
        assert one(distant, "SELECT count(*) FROM spans('p')") == 100
        asked = sum(command.start_time is None for command in fake_service.commands)
        fake_service.tables["p"] = make_wire_spans(3, **{"attributes.late": ["a", "b", "c"]})
        with pytest.raises(duckdb.BinderException):
            distant.execute("SELECT \"attributes.late\" FROM spans('p')")
        assert sum(command.start_time is None for command in fake_service.commands) == asked
        spanduck.refresh(distant, "p")
        assert one(distant, "SELECT max(\"attributes.late\") FROM spans('p')") == "c"
    assert list((tmp_path / "schemas").iterdir())


def test_a_large_unbounded_scan_says_so_once(
    con: duckdb.DuckDBPyConnection, fake_service: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    with spanduck.connect(settings=fake_service.settings(notice_rows=50)) as small:
        small.execute("SELECT count(*) FROM spans('p')").fetchall()
        assert capfd.readouterr().err == (
            "spanduck: reading all 100 spans of 'p'; bound them with start_time := … or a predicate "
            "on start_time\n"
        )
        small.execute("SELECT count(*) FROM spans('p', start_time := '2023-01-01')").fetchall()
        assert capfd.readouterr().err == ""


def test_an_evaluation_is_a_row(
    con: duckdb.DuckDBPyConnection, fake_service: Any, make_wire_spans: Callable[..., pa.Table]
) -> None:
    fake_service.tables["e"] = make_wire_spans(
        3,
        **{
            "eval.Q.label": ["good", None, None],
            "eval.Q.score": [1.0, None, 0.5],
            "eval.R.explanation": [None, "why", None],
            "trace_eval.T.score": [3, None, None],
        },
    )
    rows = con.execute(
        "SELECT span_id, level, name, label, score, explanation FROM evaluations('e') ORDER BY ALL"
    ).fetchall()
    assert rows == [
        ("span-000000000000", "span", "Q", "good", 1.0, None),
        ("span-000000000000", "trace", "T", None, 3.0, None),
        ("span-000000000001", "span", "R", None, None, "why"),
        ("span-000000000002", "span", "Q", None, 0.5, None),
    ]
    only = con.execute(
        "SELECT score FROM evaluations('e') WHERE name = 'T' AND score > 1"
    ).fetchall()
    assert only == [(3.0,)]
    assert set(fake_service.commands[-1].projected_columns) == {
        "context.span_id",
        "context.trace_id",
        "start_time",
        "trace_eval.T.score",
    }
    assert con.execute("SELECT count(*) FROM evaluations('p')").fetchall() == [(0,)]


def test_a_cancelled_scan_fails_within_a_second(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    fake_service.misbehaviour.hang_after = 2
    waited: list[float] = []

    def cancel() -> None:
        time.sleep(0.5)
        waited.append(time.monotonic())
        spanduck.cancel(con)

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(duckdb.InvalidInputException, match="cancelled"):
        con.execute("SELECT count(*) FROM spans('p')").fetchall()
    assert time.monotonic() - waited[0] < 1
    thread.join()
