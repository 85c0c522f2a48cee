from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from sqlglot import exp, parse_one

from spanduck_sql.expressions import (
    TIMESTAMP_TZ,
    AlwaysTrue,
    And,
    Between,
    Compare,
    Comparison,
    Contains,
    In,
    IsNull,
    Like,
    Literal,
    Not,
    Opaque,
    Or,
    Predicate,
)
from spanduck_sql.where import MAX_LEVELS, predicate_of

COLUMNS = {
    "name": pa.string(),
    "n": pa.int64(),
    "d": pa.float64(),
    "flag": pa.bool_(),
    "start_time": pa.timestamp("us", "UTC"),
    "attributes.x": pa.string(),
}


def parsed(condition: str) -> exp.Expr:
    where: exp.Expr = parse_one(f"SELECT 1 WHERE {condition}", dialect="duckdb").args["where"].this
    return where


def column_of(column: exp.Column) -> str | None:
    return column.name if column.name in COLUMNS and column.table in ("", "s") else None


def read(condition: str, *, typed: bool = False) -> Predicate:
    types = COLUMNS if typed else None
    return predicate_of(parsed(condition), column_of, types=types)


def literal(value: Any) -> Literal:
    if isinstance(value, bool):
        return Literal(value, "BOOLEAN")
    return Literal(value, {int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}[type(value)])


def compare(column: str, op: str, value: Any) -> Compare:
    return Compare(Comparison(op), column, literal(value))


def instant(op: str, micros: int) -> Compare:
    return Compare(Comparison(op), "start_time", Literal(micros, TIMESTAMP_TZ))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("name = 'it''s'", compare("name", "=", "it's")),
        ("s.name == 'x'", compare("name", "=", "x")),
        ('"attributes.x" <> \'x\'', compare("attributes.x", "!=", "x")),
        ("5 < n", compare("n", ">", 5)),
        ("5 >= n", compare("n", "<=", 5)),
        ("n != -5", compare("n", "!=", -5)),
        ("n = -(5)", compare("n", "=", -5)),
        ("n = +5", compare("n", "=", 5)),
        ("(n) = (5)", compare("n", "=", 5)),
        ("d < 1.5", compare("d", "<", 1.5)),
        ("d < -.5", compare("d", "<", -0.5)),
        ("d < 1e3", compare("d", "<", 1000.0)),
        ("n = 12345678901234567890", compare("n", "=", 12345678901234567890)),
        ("n = 1_000", compare("n", "=", 1000)),
        ("n = CAST(5 AS BIGINT)", compare("n", "=", 5)),
        ("d = 1::DOUBLE", compare("d", "=", 1.0)),
        ("name = 'x'::VARCHAR", compare("name", "=", "x")),
        ("flag", compare("flag", "=", value=True)),
        ("NOT flag", Not(compare("flag", "=", value=True))),
        ("flag = FALSE", compare("flag", "=", value=False)),
        ("TRUE", AlwaysTrue()),
        ("FALSE", Not(AlwaysTrue())),
        ("n IN (1, 2.5, -3)", In("n", (literal(1), literal(2.5), literal(-3)))),
        ("name NOT IN ('a')", Not(In("name", (literal("a"),)))),
        ("n BETWEEN 1 AND 2.5", Between("n", literal(1), literal(2.5))),
        ("n NOT BETWEEN 1 AND 2", Not(Between("n", literal(1), literal(2)))),
        ("name IS NULL", IsNull("name")),
        ("name IS NOT NULL", Not(IsNull("name"))),
        ("name NOTNULL", Not(IsNull("name"))),
        ("name LIKE '%x'", Like("name", "%x")),
        ("name NOT LIKE '%x'", Not(Like("name", "%x"))),
        ("NOT name NOT LIKE '%x'", Not(Not(Like("name", "%x")))),
        ("name !~~ '%x'", Not(Like("name", "%x"))),
        ("name ILIKE 'x'", Like("name", "x", ignores_case=True)),
        ("name NOT ILIKE 'x'", Not(Like("name", "x", ignores_case=True))),
        ("name LIKE 'a!%' ESCAPE '!'", Like("name", "a!%", "!")),
        ("name NOT LIKE 'a!%' ESCAPE '!'", Not(Like("name", "a!%", "!"))),
        ("name LIKE 'a' ESCAPE ''", Like("name", "a")),
        ("contains(name, 'x')", Contains("name", "x")),
        ("NOT contains(name, 'x')", Not(Contains("name", "x"))),
        ("starts_with(name, 'x')", Like("name", "x%")),
        ("name ^@ 'x'", Like("name", "x%")),
        ("prefix(name, '50%')", Like("name", "50\\%%", "\\")),
        ("suffix(name, 'x')", Like("name", "%x")),
        ("ends_with(name, 'a_\\')", Like("name", "%a\\_\\\\", "\\")),
        ("starts_with(name, 'a\\')", Like("name", "a\\%")),
        ("strpos(name, 'x') > 0", Contains("name", "x")),
        ("instr(name, 'x') >= 1", Contains("name", "x")),
        ("position('x' IN name) <> 0", Contains("name", "x")),
        ("0 < strpos(name, 'x')", Contains("name", "x")),
        ("strpos(name, 'x') = 0", Not(Contains("name", "x"))),
        ("start_time >= TIMESTAMPTZ '1970-01-01T00:00:01Z'", instant(">=", 1_000_000)),
        ("start_time < '1970-01-01 01:00:00.5+01:00'::TIMESTAMPTZ", instant("<", 500_000)),
        (
            "n = 1 AND (name = 'a' OR NOT (flag AND d > 1)) AND n = 2",
            And(
                compare("n", "=", 1),
                Or(
                    compare("name", "=", "a"),
                    Not(And(compare("flag", "=", value=True), compare("d", ">", 1))),
                ),
                compare("n", "=", 2),
            ),
        ),
        ("n = 1 /* OR flag */ AND /* x */ n = 2 -- y", And(compare("n", "=", 1), compare("n", "=", 2))),
    ],
)  # fmt: skip
def test_it_is_read(condition: str, expected: Predicate) -> None:
    assert read(condition) == expected
    assert read(condition, typed=True) == expected


@pytest.mark.parametrize(
    ("condition", "columns", "words"),
    [
        ("lower(name) = 'x'", ("name",), "lower(…)"),
        ("lower(name) LIKE 'x'", ("name",), "LIKE with lower(…)"),
        ("name LIKE 'x' || 'y'", ("name",), "arithmetic"),
        ("name LIKE ANY ('x', 'y')", ("name",), ""),
        ("name = n", ("name", "n"), "two columns"),
        ("n + 1 = 2", ("n",), "arithmetic"),
        ("n = NULL", ("n",), "NULL"),
        ("n IN (1, NULL)", ("n",), "NULL"),
        ("n IN (1, 'x')", ("n",), ""),
        ("n IN (SELECT 1)", ("n",), "subquery"),
        ("EXISTS (SELECT name FROM t)", ("name",), "subquery"),
        ("n BETWEEN SYMMETRIC 2 AND 1", ("n",), ""),
        ("n BETWEEN 1 AND name", ("n", "name"), ""),
        ("name BETWEEN 1 AND 'x'", ("name",), ""),
        ("n = ?", ("n",), "parameter"),
        ("n = $limit", ("n",), "parameter"),
        ("name = 'x' COLLATE NOCASE", ("name",), "COLLATE"),
        ("name COLLATE NOCASE = 'x'", ("name",), "COLLATE"),
        ("name IS DISTINCT FROM 'x'", ("name",), "DISTINCT"),
        ("flag IS TRUE", ("flag",), ""),
        ("coalesce(name, 'x') = 'x'", ("name",), "coalesce"),
        ("CASE WHEN flag THEN n = 1 END", ("flag", "n"), "CASE"),
        ("CAST(name AS INTEGER) = 1", ("name",), "cast"),
        ("start_time > TIMESTAMP '2024-01-01'", ("start_time",), "time zone"),
        ("start_time > TIMESTAMPTZ '2024-01-01'", ("start_time",), "time zone"),
        ("start_time > DATE '2024-01-01'", ("start_time",), "time zone"),
        ("start_time > now()", ("start_time",), "now(…)"),
        ("regexp_matches(name, 'x')", ("name",), "regexp_matches(…)"),
        ("contains(lower(name), 'x')", ("name",), "lower(…)"),
        ("contains(name, 'x') = TRUE", ("name",), ""),
        ("strpos(name, 'x') > 1", ("name",), ""),
        ("strpos(name, lower('x')) > 0", ("name",), ""),
        ("'abc' LIKE name", ("name",), ""),
        ("name GLOB 'x'", ("name",), ""),
        ("name->>'$.x' = 'y'", ("name",), "inside a value"),
        ("name['x'] = 'y'", ("name",), "inside a value"),
        ("name = E'x'", ("name",), ""),
        ("d > 1.00000000000000000001", ("d",), ""),
        ("d > 1e400", ("d",), ""),
        ("t.name = 'x'", (), "no"),
        ("nobody = t.other", (), ""),
        ("prefix(name, 'x', 'y')", ("name",), "prefix(…)"),
        ("name LIKE 'x' ESCAPE 'ab'", ("name",), ""),
        ("1 = 1", (), "nothing about a column"),
        ("NULL", (), ""),
    ],
)
def test_anything_else_stays_with_the_engine(
    condition: str, columns: tuple[str, ...], words: str
) -> None:
    for typed in (False, True):
        found = read(condition, typed=typed)
        assert isinstance(found, Opaque), found
        assert found.columns == columns
        assert words in found.reason
        assert found.sql


def test_no_node_with_an_argument_we_do_not_know_is_read() -> None:
    for condition in ("n = 1", "name LIKE 'x'", "n IN (1)", "n BETWEEN 1 AND 2", "name IS NULL",
                      "contains(name, 'x')", "starts_with(name, 'x')", "suffix(name, 'x')",
                      "strpos(name, 'x') > 0", "name LIKE 'a' ESCAPE '!'"):  # fmt: skip
        node = parsed(condition)
        target = node.this if isinstance(node.this, exp.StrPosition) else node
        target.args["novelty"] = exp.Boolean(this=True)
        assert isinstance(predicate_of(node, column_of), Opaque)


def test_not_before_an_unknown_condition_keeps_its_place() -> None:
    assert read("NOT lower(name) = 'x' OR n = 1") == Or(
        Not(Opaque("LOWER(name) = 'x'", "lower(…) is no part of the filter language", ("name",))),
        compare("n", "=", 1),
    )


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("CAST(name AS VARCHAR) = 'x'", compare("name", "=", "x")),
        ("n::DOUBLE > 1", compare("n", ">", 1)),
        ("TRY_CAST(n AS BIGINT) IN (1)", In("n", (literal(1),))),
        ("name::TEXT LIKE 'x'", Like("name", "x")),
        ("flag::BOOLEAN", compare("flag", "=", value=True)),
        ("d::DOUBLE::DOUBLE IS NULL", IsNull("d")),
        ("start_time >= '1970-01-01T00:00:01Z'", instant(">=", 1_000_000)),
        ("start_time = '1970-01-01 00:00:01+00'", instant("=", 1_000_000)),
    ],
)
def test_with_the_types_a_cast_that_changes_nothing_is_read_through(
    condition: str, expected: Predicate
) -> None:
    assert read(condition, typed=True) == expected


@pytest.mark.parametrize(
    "condition",
    [
        "CAST(d AS BIGINT) = 1",
        "CAST(n AS VARCHAR) = '1'",
        "CAST(name AS JSON) = 'x'",
        "name",
        "n",
        "start_time >= '2024-01-01'",
        "start_time >= '2024-02-30T00:00:00Z'",
    ],
)
def test_with_the_types_more_is_known_to_be_unknown(condition: str) -> None:
    assert isinstance(read(condition, typed=True), Opaque)


def test_a_long_disjunction_is_no_deep_recursion() -> None:
    found = read(" OR ".join(f"n = {index}" for index in range(5_000)))
    assert isinstance(found, Or)
    assert len(found.operands) == 5_000


def test_what_is_too_deep_stays_with_the_engine_and_the_rest_does_not() -> None:
    deep = parsed("n = 1")
    for index in range(2_000):
        inner = exp.Paren(this=deep) if index % 3 else exp.Not(this=deep)
        deep = exp.Or(this=inner, expression=parsed("flag"))
    found = predicate_of(exp.And(this=deep, expression=parsed("n = 2")), column_of)
    assert isinstance(found, And)
    assert found.operands[-1] == compare("n", "=", 2)
    assert str(MAX_LEVELS) in repr(found)
