"""A rewritten statement gives the rows of the original, over a stand-in that applies filters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest
from duckdb.func import FunctionNullHandling
from duckdb.sqltypes import VARCHAR
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from tests.property.statements import grouped, joined, merged, nested, three_ways

from spanduck_sql.language.binding import bind
from spanduck_sql.language.columns import columns_of_schema
from spanduck_sql.language.generate import condition
from spanduck_sql.language.parser import parse
from spanduck_sql.rewrite import rewrite
from spanduck_sql.schema import SPAN_KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanduck_sql.rewrite import SpansCall

SCHEMA = pa.schema(
    {
        "name": pa.string(),
        "status_code": pa.string(),
        SPAN_KIND: pa.string(),
        "latency_ms": pa.float64(),
        "attributes.n": pa.int64(),
        "attributes.ok": pa.bool_(),
    }
)
ROWS = [
    ("a", "OK", "LLM", 1.0, 1, True),
    ("ab", None, None, 2.5, None, None),
    ("b", "ERROR", "TOOL", None, 2, False),
    (None, "OK", "LLM", 0.0, 3, True),
    (None, None, None, None, None, None),
    ("", "ERROR", "LLM", 7.0, 0, False),
    ("it's", "OK", "CHAIN", math.inf, 5, None),
    ("a%b", "OK", "LLM", 3.0, 1, True),
    ("x", "ERROR", None, 1.0, 2, True),
    ("x", "ERROR", None, 1.0, 2, True),
    ("A", "ok", "llm", 2.0, -1, False),
]
LOCAL = [
    ("a", 1, "OK"),
    ("b", 2, None),
    (None, 3, "t"),
    ("zz", None, "t"),
    ("x", 4, "a"),
    ("", 1, ""),
]


# As the real one is called: while a statement is bound, with the argument folded.
def stand_in(filter_text: str | None) -> str:
    if filter_text is None:
        return "FROM stored"
    bound = bind(parse(filter_text), columns_of_schema(SCHEMA), text=filter_text)
    return f"SELECT * FROM stored WHERE {condition(bound).sql('duckdb')}"


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = duckdb.connect()
    arrays = zip(zip(*ROWS, strict=True), SCHEMA, strict=True)
    spans = pa.table([pa.array(values, item.type) for values, item in arrays], schema=SCHEMA)
    con.register("arrived", spans)
    con.execute("CREATE TABLE stored AS FROM arrived")
    con.execute("CREATE TABLE u (name VARCHAR, id BIGINT, tag VARCHAR)")
    con.executemany("INSERT INTO u VALUES (?, ?, ?)", LOCAL)
    con.create_function(
        "stand_in", stand_in, [VARCHAR], VARCHAR, null_handling=FunctionNullHandling.SPECIAL
    )
    con.execute(
        "CREATE MACRO spans(project, filter := NULL, columns := NULL) AS TABLE "
        "FROM query(stand_in(filter))"
    )
    yield con
    con.close()


def rows(con: duckdb.DuckDBPyConnection, text: str) -> list[str]:
    return sorted(map(repr, con.execute(text).fetchall()))


def schema_of(call: SpansCall) -> pa.Schema:
    return SCHEMA


def check(con: duckdb.DuckDBPyConnection, text: str) -> bool:
    """Compare both texts, and tell whether they differ."""
    try:
        expected = rows(con, text)
    except duckdb.Error:
        assume(False)  # noqa: FBT003 - not every drawn statement is one
    made = rewrite(text, schema_of)
    is_changed = made.text != text
    event(f"rewritten: {is_changed}")
    if is_changed:
        assert rows(con, made.text) == expected, made.text
    return is_changed


SETTINGS = settings(
    max_examples=100,
    suppress_health_check=[
        HealthCheck.filter_too_much,
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
    ],
)


@SETTINGS
@given(text=st.one_of(joined(), merged()))
def test_a_join_keeps_its_rows(con: duckdb.DuckDBPyConnection, text: str) -> None:
    check(con, text)


@SETTINGS
@given(text=three_ways())
def test_several_joins_keep_their_rows(con: duckdb.DuckDBPyConnection, text: str) -> None:
    check(con, text)


@SETTINGS
@given(text=nested())
def test_subqueries_and_ctes_keep_their_rows(con: duckdb.DuckDBPyConnection, text: str) -> None:
    check(con, text)


@SETTINGS
@given(text=grouped())
def test_groups_keep_their_rows(con: duckdb.DuckDBPyConnection, text: str) -> None:
    check(con, text)


WRONG = {
    "ON of the side that is kept": (
        "SELECT * FROM spans('p') s LEFT JOIN u ON s.name = u.name AND s.name LIKE 'a%'",
        "name LIKE 'a%'",
    ),
    "a test for NULL behind an outer join": (
        "SELECT * FROM u LEFT JOIN spans('p') s ON s.name = u.name WHERE s.name IS NULL",
        "name IS NULL",
    ),
    "ON of an anti join": (
        "SELECT * FROM spans('p') s ANTI JOIN u ON s.name = u.name AND s.name LIKE 'a%'",
        "name LIKE 'a%'",
    ),
    "ON of a join that a comma keeps apart": (
        "SELECT * FROM spans('p') s, u RIGHT JOIN u v ON u.name = v.name AND s.name LIKE 'a%'",
        "name LIKE 'a%'",
    ),
    "a condition outside of LIMIT": (
        "SELECT * FROM (SELECT * FROM spans('p') ORDER BY ALL LIMIT 3) WHERE name LIKE 'x%'",
        "name LIKE 'x%'",
    ),
    "a condition on one of two readers": (
        "WITH s AS (FROM spans('p')) SELECT * FROM s WHERE name LIKE 'a%' UNION ALL FROM s",
        "name LIKE 'a%'",
    ),
    "HAVING over what is not grouped by": (
        "SELECT name, count(*) FROM spans('p') GROUP BY CUBE (name) HAVING name IS NULL",
        "name IS NULL",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_filter_that_does_not_belong_there_would_be_seen(
    con: duckdb.DuckDBPyConnection, name: str
) -> None:
    text, wrong = WRONG[name]
    escaped = wrong.replace("'", "''")
    pushed = text.replace("spans('p')", f"spans('p', filter := '{escaped}')", 1)
    assert rows(con, pushed) != rows(con, text)
    assert rows(con, rewrite(text, schema_of).text) == rows(con, text)
