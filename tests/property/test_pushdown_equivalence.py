"""A query gives the same rows with pushdown as over a plain table of the same rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import spanduck

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

FIRST_NS = 1_700_000_000_000_000_000
# Around the microsecond: what the wire holds is floored before anything is compared.
STARTS = [FIRST_NS + offset for offset in (0, 1, 999, 1_000, 1_001, 500_000_000, 999_999_999)] + [
    FIRST_NS + second * 1_000_000_000 + 123_456_789 for second in range(1, 14)
]
COUNT = len(STARTS)
FLAGS = [True, False, None]


def cycled(*values: Any) -> list[Any]:
    return [values[index % len(values)] for index in range(COUNT)]


COLUMNS: dict[str, tuple[pa.Array, str]] = {
    "context.span_id": (pa.array([f"s{index:02d}" for index in range(COUNT)]), "VARCHAR"),
    "name": (pa.array(cycled("a", "b", "", "ä", "it's", "B", "b\0c")), "VARCHAR"),
    "status_code": (pa.array(cycled("OK", None, "ERROR")), "VARCHAR"),
    "end_time": (
        pa.array([None if i % 4 == 0 else s + 2_000_000 for i, s in enumerate(STARTS)], pa.int64()),
        "TIMESTAMPTZ",
    ),
    "latency_ms": (
        pa.array(cycled(1.5, math.nan, None, 0.0, -0.0, math.inf, -math.inf, 3.0, 2.5)),
        "DOUBLE",
    ),
    "attributes.llm.token_count.total": (
        pa.array(cycled(1.0, None, 2.0, 300.0, 0.0)),
        "BIGINT",
    ),
    "attributes.flag": (pa.array(cycled(*FLAGS)), "BOOLEAN"),
    "attributes.n": (pa.array(cycled(1, 2, None, -(2**62), 2**62), pa.int64()), "BIGINT"),
    "attributes.Env": (pa.array(cycled("prod", "dev")), "VARCHAR"),
    "attributes.env": (pa.array(cycled("x", "y", None)), "VARCHAR"),
    "eval.Q.score": (pa.array(cycled(0.5, None, 1.0, math.nan)), "DOUBLE"),
    "attributes.metadata": (pa.array(cycled('{"a": 1}', "", None, "no json")), "JSON"),
}
SQL_NAME = {"attributes.env": "attributes.env~2"}


def quoted(name: str) -> str:
    escaped = SQL_NAME.get(name, name).replace('"', '""')
    return f'"{escaped}"'


@pytest.fixture(scope="module")
def con(shared_fake_service: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    wire = {"time": pa.array([start // 1_000_000 for start in STARTS])} | {
        "start_time": pa.array(STARTS, pa.int64())
    }
    wire |= {name: values for name, (values, _) in COLUMNS.items()}
    shared_fake_service.tables["p"] = pa.table(wire)
    con = spanduck.connect(settings=shared_fake_service.settings(stream_chunk_rows=3))
    con.execute("SET TimeZone = 'America/New_York'")
    choices = ["make_timestamptz(start_time // 1000) AS start_time"]
    for name, (_, kind) in COLUMNS.items():
        source = '"' + name + '"'
        if kind == "TIMESTAMPTZ":
            source = f"make_timestamptz({source} // 1000)"
        elif kind == "JSON":
            source = (
                f"CASE WHEN {source} = '' THEN NULL WHEN json_valid({source}) THEN {source}::JSON "
                f"ELSE to_json({source}) END"
            )
        choices.append(f"CAST({source} AS {kind}) AS {quoted(name)}")
    # DuckDB would take the two names that differ by case for one.
    raw = pa.table(wire)
    renamed = raw.rename_columns([SQL_NAME.get(name, name) for name in raw.column_names])
    con.register("renamed_wire", renamed)
    text = ", ".join(choices).replace('CAST("attributes.env"', 'CAST("attributes.env~2"')
    con.execute(f"CREATE TABLE plain AS SELECT {text} FROM renamed_wire")
    assert con.execute("SELECT count(*) FROM plain").fetchall() == [(COUNT,)]
    yield con
    con.close()


def text_literal(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def instants() -> st.SearchStrategy[str]:
    micros = st.sampled_from(sorted({start // 1000 for start in STARTS})).flatmap(
        lambda at: st.sampled_from([at - 1, at, at + 1])
    )
    return st.one_of(
        micros.map(lambda at: f"make_timestamptz({at})"),
        micros.map(lambda at: f"make_timestamptz({at}) - INTERVAL 2 SECOND"),
        st.sampled_from(
            [
                "TIMESTAMPTZ '2023-11-14 22:13:20+00'",
                "TIMESTAMP '2023-11-14 17:13:25'",
                "DATE '2023-11-15'",
                "now()",
                "'infinity'::TIMESTAMPTZ",
                "'-infinity'::TIMESTAMPTZ",
                "NULL::TIMESTAMPTZ",
            ]
        ),
    )


LITERALS: dict[str, st.SearchStrategy[str]] = {
    "VARCHAR": st.sampled_from(["a", "b", "", "ä", "it's", "OK", "ERROR", "prod", "x", "zz"]).map(
        text_literal
    ),
    "TIMESTAMPTZ": instants(),
    "DOUBLE": st.sampled_from(
        ["1.5", "0.0", "-0.0", "2", "3", "1e300", "'nan'::DOUBLE", "'inf'::DOUBLE", "0.5", "NULL"]
    ),
    "BIGINT": st.sampled_from(["0", "1", "2", "300", "1.5", "NULL"]),
    "BOOLEAN": st.sampled_from(["TRUE", "FALSE", "NULL"]),
    "JSON": st.sampled_from(["'{\"a\": 1}'::JSON", "'\"no json\"'::JSON"]),
}
ALL_COLUMNS = {"start_time": "TIMESTAMPTZ"} | {name: kind for name, (_, kind) in COLUMNS.items()}


@st.composite
def leaves(draw: st.DrawFn) -> str:
    name = draw(st.sampled_from([*ALL_COLUMNS, "start_time", "start_time", "start_time"]))
    kind = ALL_COLUMNS[name]
    column = quoted(name)
    literals = LITERALS[kind]
    form = draw(st.sampled_from(["compare", "compare", "in", "null", "between", "distinct", "odd"]))
    if form == "null" or (kind == "JSON" and form != "compare"):
        return f"{column} IS {draw(st.sampled_from(['', 'NOT ']))}NULL"
    if form == "in":
        values = draw(st.lists(literals, min_size=1, max_size=4))
        negation = draw(st.sampled_from(["", "NOT "]))
        return f"{column} {negation}IN ({', '.join(values)})"
    if form == "between":
        return f"{column} BETWEEN {draw(literals)} AND {draw(literals)}"
    if form == "distinct":
        return f"{column} IS {draw(st.sampled_from(['', 'NOT ']))}DISTINCT FROM {draw(literals)}"
    if form == "odd":
        if kind == "VARCHAR":
            return draw(
                st.sampled_from([f"{column} LIKE 'a%'", f"length({column}) = 1", f"{column} > 'a'"])
            )
        if kind == "TIMESTAMPTZ":
            return f"{column} + INTERVAL 1 SECOND > {draw(literals)}"
        if kind == "BOOLEAN":
            return column
        return f"{column} + 1 > {draw(literals)}"
    operator = draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]))
    return f"{column} {operator} {draw(literals)}"


def predicates() -> st.SearchStrategy[str]:
    return st.recursive(
        leaves(),
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda pair: f"({pair[0]} AND {pair[1]})"),
            st.tuples(inner, inner).map(lambda pair: f"({pair[0]} OR {pair[1]})"),
            inner.map(lambda operand: f"(NOT {operand})"),
        ),
        max_leaves=6,
    )


@settings(
    max_examples=250,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(predicate=predicates())
@example(predicate='"latency_ms" > 1e300')
@example(predicate='NOT ("latency_ms" < 1.5)')
@example(predicate='"latency_ms" IN (0.0, -0.0)')
@example(predicate="start_time <= make_timestamptz(1700000000000000)")
@example(predicate="start_time = make_timestamptz(1700000000000001)")
@example(predicate="\"attributes.env~2\" = 'x' AND \"attributes.Env\" = 'prod'")
def test_a_predicate_keeps_the_same_rows(con: duckdb.DuckDBPyConnection, predicate: str) -> None:
    select = 'SELECT "context.span_id" FROM {} WHERE {} ORDER BY 1'
    expected = con.execute(select.format("plain", predicate)).fetchall()
    found = con.execute(select.format("spans('p')", predicate)).fetchall()
    assert found == expected


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=instants(), end=instants(), predicate=predicates())
def test_bounds_are_half_open_on_the_microsecond(
    con: duckdb.DuckDBPyConnection, start: str, end: str, predicate: str
) -> None:
    bounds = (
        f"start_time >= coalesce({start}, '-infinity') AND start_time < coalesce({end}, 'infinity')"
    )
    if "'infinity'" in end:
        bounds = f"start_time >= coalesce({start}, '-infinity')"
    expected = con.execute(
        f'SELECT "context.span_id" FROM plain WHERE {bounds} AND ({predicate}) ORDER BY 1'
    ).fetchall()
    found = con.execute(
        f"SELECT \"context.span_id\" FROM spans('p', start_time := {start}, end_time := {end}) "
        f"WHERE ({predicate}) ORDER BY 1"
    ).fetchall()
    assert found == expected
