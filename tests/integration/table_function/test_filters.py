"""What becomes of filters: the user's, and what is made of a query's own conditions."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

import spanduck
from spanduck.exceptions import FilterError
from spanduck_sql.expressions import Compare, Comparison, Literal
from spanduck_sql.pushdown import with_generated

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

NAMED = Compare(Comparison.EQ, "name", Literal("operation 1", "VARCHAR"))


def recent(count: int, **columns: Any) -> pa.Table:
    """Spans that an upload accepts."""
    start = (time.time_ns() - (3_600 + count) * 10**9) // 10**9 * 10**9
    return pa.table(
        {
            "context.span_id": [f"span-{number:012d}" for number in range(count)],
            "context.trace_id": [f"trace-{number // 4:012d}" for number in range(count)],
            "name": [f"operation {number % 7}" for number in range(count)],
            "start_time": pa.array([start + n * 10**9 for n in range(count)], pa.int64()),
            "end_time": pa.array([start + n * 10**9 + 2_500_000 for n in range(count)], pa.int64()),
        }
        | columns
    )


def fails(con: duckdb.DuckDBPyConnection, query: str) -> str:
    with pytest.raises(duckdb.InvalidInputException) as caught:
        con.execute(query).fetchall()
    return str(caught.value)


def sent(service: Any) -> list[str]:
    """Filters of the exports that were asked for; the schema is asked for without columns."""
    return [command.filter_expression for command in service.commands if command.projected_columns]


def count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    return len(con.execute(query).fetchall())


def test_a_filter_with_a_mistake_is_shown_with_a_caret_and_is_not_sent(
    fake_service: Any, con: duckdb.DuckDBPyConnection
) -> None:
    text = fails(con, "FROM spans('p', filter := 'status_code = \"ERROR\"')")
    assert "[spanduck.FilterError] [literal_expected]" in text
    assert '  status_code = "ERROR"\n                ^^^^^^^\n  hint: ' in text
    error = spanduck.last_error(con)
    assert isinstance(error, FilterError)
    assert (error.position, error.end) == (14, 21)
    assert sent(fake_service) == []


def test_a_name_that_no_field_has_is_refused_with_what_was_meant(
    con: duckdb.DuckDBPyConnection,
) -> None:
    text = fails(con, "FROM spans('p', filter := 'statuscode = ''ERROR''')")
    assert "[unknown_field] unknown field 'statuscode'" in text
    assert "status_code" in text.partition("hint:")[2]
    assert "[type_mismatch]" in fails(con, "FROM spans('p', filter := 'latency_ms > ''1000''')")


def test_a_field_that_no_span_has_is_mentioned_once(
    con: duckdb.DuckDBPyConnection, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        con.execute("FROM spans('p', filter := 'attributes.nobody = 1')").fetchall()
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 1
    assert "attributes.nobody" in said[0]


def test_without_strict_a_filter_is_sent_as_it_is_and_nothing_beside_it(
    fake_service: Any, con: duckdb.DuckDBPyConnection
) -> None:
    with spanduck.connect(settings=fake_service.settings(strict=False)) as lax:
        query = "SELECT name FROM spans('p', filter := 'who knows?') WHERE status_code = 'OK'"
        assert count(lax, query) == 100
    assert sent(fake_service) == ["who knows?"]


def test_predicates_travel_as_a_filter(fake_service: Any, con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT name FROM spans('p') WHERE name = 'operation 1' AND latency_ms > 1"
    assert count(con, query) == 15
    assert sorted(sent(fake_service)[0].split(" AND ")) == [
        "latency_ms > 1",
        "name = 'operation 1'",
    ]


def test_a_condition_is_added_to_the_users_filter_in_parentheses(
    fake_service: Any, con: duckdb.DuckDBPyConnection
) -> None:
    con.execute(
        "SELECT name FROM spans('p', filter := 'parent_id = null or status_code=''x'' -- all') "
        "WHERE name = 'operation 1'"
    ).fetchall()
    assert sent(fake_service) == [
        "(parent_id IS NULL OR status_code = 'x') AND (name = 'operation 1')"
    ]


def test_a_bound_on_time_travels_as_the_window_only(
    fake_service: Any, con: duckdb.DuckDBPyConnection
) -> None:
    con.execute("SELECT name FROM spans('p') WHERE start_time > now() - INTERVAL 1 DAY").fetchall()
    con.execute("SELECT name FROM spans('p') WHERE end_time > '2024-01-01 00:00:00+00'").fetchall()
    assert sent(fake_service) == ["", ""]


def refuse(text: str) -> Exception | None:
    return pa.ArrowInvalid(f"cannot read {text}.") if "operation" in text else None


@pytest.mark.parametrize("at", ["info", "get", "batch"])
@pytest.mark.parametrize(
    "make",
    [lambda _: pa.ArrowInvalid("no such operator"), lambda _: NotImplementedError("no filters")],
    ids=["refused", "unimplemented"],
)
def test_a_refused_filter_of_ours_is_left_out_and_the_rows_are_the_same(
    fake_service: Any,
    con: duckdb.DuckDBPyConnection,
    capfd: pytest.CaptureFixture[str],
    at: str,
    make: Callable[[str], Exception],
) -> None:
    fake_service.misbehaviour.refuses = lambda text: make(text) if "operation" in text else None
    fake_service.misbehaviour.refuses_at = at
    query = "SELECT name FROM spans('p', filter := 'status_code=''OK''') WHERE name = 'operation 1'"
    assert count(con, query) == 15
    both = "(status_code = 'OK') AND (name = 'operation 1')"
    assert sent(fake_service) == [both, "status_code='OK'"]
    said = capfd.readouterr().err
    assert said.count("spanduck:") == 1
    assert "refused" in said
    # It is remembered, and the user is not told twice.
    assert count(con, query) == 15
    assert sent(fake_service)[2:] == ["status_code='OK'"]
    assert count(con, "SELECT name FROM spans('p') WHERE name = 'operation 2'") == 14
    assert sent(fake_service)[3:] == ["name = 'operation 2'", ""]
    assert capfd.readouterr().err == ""


def test_the_error_of_the_second_try_is_the_one_that_is_shown(
    fake_service: Any, con: duckdb.DuckDBPyConnection, capfd: pytest.CaptureFixture[str]
) -> None:
    fake_service.misbehaviour.refuses = lambda text: (
        pa.ArrowInvalid(f"cannot read {text}.") if text else None
    )
    query = "SELECT name FROM spans('p', filter := 'status_code=''OK''') WHERE name = 'a'"
    text = fails(con, query)
    assert "[spanduck.FilterError]" in text
    assert "cannot read status_code='OK'" in text
    assert capfd.readouterr().err == ""
    fake_service.misbehaviour.refuses = lambda _: None
    con.execute(query).fetchall()
    assert sent(fake_service)[-1] == "(status_code = 'OK') AND (name = 'a')"


@pytest.mark.parametrize("at", ["info", "get", "batch"])
def test_a_refused_filter_of_the_users_is_an_error_in_the_services_words(
    fake_service: Any, con: duckdb.DuckDBPyConnection, at: str
) -> None:
    fake_service.misbehaviour.refuses = refuse
    fake_service.misbehaviour.refuses_at = at
    text = fails(con, "SELECT name FROM spans('p', filter := 'name = ''operation 1''')")
    assert "[spanduck.FilterError]" in text
    assert "cannot read name = 'operation 1'" in text
    assert len(sent(fake_service)) == 1


def test_an_error_after_the_first_batch_is_no_refusal(
    fake_service: Any, con: duckdb.DuckDBPyConnection
) -> None:
    fake_service.misbehaviour.fail_after = 1
    assert "on fire" in fails(con, "SELECT name FROM spans('p') WHERE status_code = 'OK'")
    assert len(sent(fake_service)) == 1


def test_a_statements_own_part_is_left_out_with_the_rest(
    fake_service: Any, con: duckdb.DuckDBPyConnection
) -> None:
    fake_service.misbehaviour.refuses = refuse
    filter_text = with_generated("status_code = 'OK'", NAMED)
    rows = con.execute(
        "SELECT name FROM spans('p', filter := $filter)", {"filter": filter_text}
    ).fetchall()
    assert len(rows) == 100
    assert sent(fake_service) == [
        "(status_code = 'OK') AND (name = 'operation 1')",
        "status_code = 'OK'",
    ]


def test_a_conservative_connection_sends_no_negative_texts(
    fake_service: Any, con: duckdb.DuckDBPyConnection
) -> None:
    query = "SELECT name FROM spans('p') WHERE name <> 'operation 1' AND status_code = 'OK'"
    with spanduck.connect(settings=fake_service.settings(pushdown="conservative")) as careful:
        assert count(careful, query) == count(con, query) == 85
    assert sent(fake_service)[0] == "status_code = 'OK'"
    assert sorted(sent(fake_service)[1].split(" AND ")) == [
        "name != 'operation 1'",
        "status_code = 'OK'",
    ]


def test_evaluations_of_some_names_are_read_of_spans_that_have_them(
    fake_service: Any,
    con: duckdb.DuckDBPyConnection,
    make_wire_spans: Callable[..., pa.Table],
) -> None:
    labels = ["bad" if index % 10 == 0 else None for index in range(100)]
    scores = pa.array([None] * 100, pa.float64())
    fake_service.tables["p"] = make_wire_spans(
        100, **{"eval.Q.label": labels, "eval.Q.score": scores, "eval.Other.label": labels}
    )
    assert count(con, "FROM evaluations('p') WHERE name = 'Q'") == 10
    assert count(con, "FROM evaluations('p')") == 20
    assert sent(fake_service) == ["eval.Q.label IS NOT NULL OR eval.Q.score IS NOT NULL", ""]
    assert count(con, "FROM evaluations('p') WHERE name = 'Q' AND label = 'good'") == 0
    assert sent(fake_service)[-1] == "eval.Q.label = 'good'"
    assert count(con, "FROM evaluations('p') WHERE label = 'bad'") == 20
    assert sent(fake_service)[-1] == "eval.Other.label = 'bad' OR eval.Q.label = 'bad'"
    assert count(con, "FROM evaluations('p') WHERE score > 0.5 AND name = 'Q'") == 0
    assert sent(fake_service)[-1] == (
        "eval.Q.score > 0.5 AND (eval.Q.label IS NOT NULL OR eval.Q.score IS NOT NULL)"
    )
    assert count(con, "FROM evaluations('p') WHERE span_id = 'span-000000000010'") == 2
    assert sent(fake_service)[-1] == "context.span_id = 'span-000000000010'"
    spans = "FROM evaluations('p', filter := 'name = ''operation 1''') WHERE name = 'Other'"
    con.execute(spans).fetchall()
    assert sent(fake_service)[-1] == "(name = 'operation 1') AND (eval.Other.label IS NOT NULL)"


CONDITIONS = [
    "\"attributes.text\" = 'it''s'",
    "\"attributes.text\" <> 'a'",
    "\"attributes.text\" IN ('a', 'x\\y', 'ü')",
    "\"attributes.text\" NOT IN ('a', '')",
    "contains(\"attributes.text\", '%')",
    "starts_with(\"attributes.text\", 'b_')",
    "\"attributes.text\" LIKE 'b!_%' ESCAPE '!'",
    '"attributes.text" IS NULL AND "attributes.number" IS NOT NULL',
    '"attributes.share" > 1',
    'NOT "attributes.share" <= 1',
    '"attributes.share" <> 0.5 OR "attributes.number" < 0',
    '"attributes.share" BETWEEN 0 AND 1e308',
    '"attributes.share" IS NOT NULL',
    '"attributes.llm.token_count.total" IS NULL',
    '"attributes.llm.token_count.total" >= 3',
    '"attributes.number" <> 9007199254740993',
    '"attributes.metadata" IS NOT NULL',
    "\"attributes.Case\" = 'up'",
    "\"attributes.case~2\" = 'low'",
    "\"attributes.a \"\" b\" = 'a' OR name = 'operation 1'",
    'latency_ms > 1 AND "attributes.flag"',
    "\"attributes.odd name\" = 'a' AND name < 'operation 3'",
]


def hostile(count: int) -> dict[str, Any]:
    def cycled(*values: Any) -> list[Any]:
        return [values[index % len(values)] for index in range(count)]

    return {
        "attributes.text": cycled("a", None, "it's", "", "b_c", "bxc", "x\\y", "50%", "ü"),
        "attributes.share": pa.array(cycled(0.5, math.nan, None, math.inf, 1.0, -math.inf)),
        "attributes.number": pa.array(cycled(1, None, 2**53 + 1, -5), pa.int64()),
        "attributes.llm.token_count.total": pa.array(cycled(3.0, math.nan, None, 7.0)),
        "attributes.metadata": cycled('{"a": 1}', None, "no json"),
        "attributes.Case": cycled("up", "UP", None),
        "attributes.case": cycled("low", None),
        'attributes.a " b': cycled("a", "b"),
        "attributes.odd name": cycled("a", "b", None),
        "attributes.flag": cycled(True, None, False),  # noqa: FBT003 - a column's values
    }


def test_on_the_embedded_server_a_filter_changes_no_row(
    real: duckdb.DuckDBPyConnection, upload: Callable[[str, pa.Table], None]
) -> None:
    upload("hostile", recent(72, **hostile(72)))
    real.execute("CREATE TABLE plain AS FROM spans('hostile')")
    schema = real.sql("FROM spans('hostile') LIMIT 0").to_arrow_table().schema
    assert schema.field("attributes.share").type == pa.float64()
    for place, condition in enumerate(CONDITIONS):
        expected = real.execute(
            f'SELECT "context.span_id" FROM plain WHERE {condition} ORDER BY ALL'
        ).fetchall()
        found = real.execute(
            f"SELECT \"context.span_id\" FROM spans('hostile') WHERE {condition} ORDER BY ALL"
        ).fetchall()
        assert found == expected, condition
        assert expected, place


def test_a_nan_in_the_store_keeps_comparisons_at_home(
    real: duckdb.DuckDBPyConnection, upload: Callable[[str, pa.Table], None]
) -> None:
    upload("numbers", recent(4, **{"attributes.x": pa.array([math.nan, 1.0, 2.0, None])}))
    query = "SELECT count(*) FROM spans('numbers') WHERE \"attributes.x\" {}"
    assert real.execute(query.format("> 1.5")).fetchall() == [(2,)]
    assert real.execute(query.format("<> 1")).fetchall() == [(2,)]
    assert real.execute(query.format("< 1.5")).fetchall() == [(1,)]
    assert real.execute(query.format("IS NOT NULL")).fetchall() == [(3,)]


def test_a_filtered_scan_needs_no_sqlglot(
    fake_service: Any,
    con: duckdb.DuckDBPyConnection,
    run_script: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = run_script(
        "import sys, spanduck\n"
        "with spanduck.connect() as con:\n"
        "    con.execute(\"SELECT name FROM spans('p', filter := 'name != null')"
        " WHERE status_code = 'OK'\").fetchall()\n"
        "print('sqlglot' in sys.modules)"
    )
    assert (done.stdout, done.stderr) == ("False\n", "")
    assert sent(fake_service) == ["(name IS NOT NULL) AND (status_code = 'OK')"]
