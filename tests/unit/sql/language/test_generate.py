from __future__ import annotations

import pytest
from sqlglot import exp, parse_one

from spanduck_sql.expressions import AlwaysTrue, Opaque, any_of
from spanduck_sql.language.binding import BoundFilter, bind
from spanduck_sql.language.columns import Column, StoredKind
from spanduck_sql.language.generate import condition
from spanduck_sql.language.parser import parse

KINDS = {
    "name": StoredKind.TEXT,
    "latency_ms": StoredKind.DOUBLE,
    "start_time": StoredKind.TIMESTAMP,
    "parent_id": StoredKind.TEXT,
    "eval.x.score": StoredKind.DOUBLE,
    "attributes.count": StoredKind.INTEGER,
    "attributes.flag": StoredKind.BOOLEAN,
    "attributes.text": StoredKind.TEXT,
    "attributes.metadata": StoredKind.TEXT,
    "attributes.state": StoredKind.JSON,
    "attributes.map": StoredKind.MAP,
}
COLUMNS = {name: Column(name, kind) for name, kind in KINDS.items()}


def sql_of(text: str) -> str:
    return condition(bind(parse(text), COLUMNS)).sql("duckdb")


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("name = 'it''s'", "\"name\" = 'it''s'"),
        ("name <> 'x'", "\"name\" <> 'x'"),
        ("attributes.text = 'x'", "\"attributes.text\" = 'x'"),
        ("parent_id = null", '"parent_id" IS NULL'),
        ("name contains 'x'", "CONTAINS(\"name\", 'x')"),
        ("5 < latency_ms", '"latency_ms" > 5'),
        ("latency_ms between 0 and -1.5", '"latency_ms" BETWEEN 0 AND -1.5'),
        ("attributes.count in (1, 2)", '"attributes.count" IN (1, 2)'),
        ("attributes.count = '7'", '"attributes.count" = 7'),
        ("attributes.count > 1.5", 'CAST("attributes.count" AS DOUBLE) > 1.5'),
        ("attributes.count = 'x'", "CAST(\"attributes.count\" AS TEXT) = 'x'"),
        ("attributes.flag = true", '"attributes.flag" = TRUE'),
        ("start_time < '2024-05-01'", "\"start_time\" < CAST('2024-05-01 00:00:00+00:00' AS TIMESTAMPTZ)"),
        ("eval.x.score > 0.5", "NULLIF(CAST(\"eval.x.score\" AS DOUBLE), CAST('NaN' AS DOUBLE)) > 0.5"),
        ("attributes.nothing = 1", "CAST(NULL AS DOUBLE) = 1"),
        (
            "attributes.metadata.tier = 'x'",
            "JSON_EXTRACT_STRING(TRY_CAST(\"attributes.metadata\" AS JSON), '$.\"tier\"') = 'x'",
        ),
        (
            "attributes.state['*'] = 'x'",
            "JSON_EXTRACT_STRING(TRY_CAST(CAST(\"attributes.state\" AS TEXT) AS JSON), '/*') = 'x'",
        ),
    ],
)  # fmt: skip
def test_what_can_be_plain_is_plain(text: str, sql: str) -> None:
    assert sql_of(text) == sql


def test_alternatives_stand_in_parentheses_where_they_must() -> None:
    assert sql_of(
        "not (name = 'a' or name = 'b') and (name = 'c' or name = 'd' and name = 'e')"
    ) == (
        "NOT (\"name\" = 'a' OR \"name\" = 'b') AND (\"name\" = 'c' OR \"name\" = 'd' AND \"name\" = 'e')"
    )


def test_a_list_is_split_where_its_values_are_read_differently() -> None:
    assert sql_of("not attributes.count in ('1', 'x', '2')") == (
        'NOT ("attributes.count" IN (1, 2) OR CAST("attributes.count" AS TEXT) IN (\'x\'))'
    )


def test_keys_that_a_json_path_would_misread_go_by_pointer() -> None:
    sql = sql_of("attributes.metadata['it''s/a~b'] = 'x'")
    assert "'/it''s~1a~0b'" in sql
    assert '$."a b"' in sql_of("attributes.metadata['a b'] = 'x'")


def test_long_paths_are_not_tried_in_every_way() -> None:
    assert sql_of("attributes.metadata.a.b.c.d.e = 'x'").count("$") == 16
    assert sql_of("attributes.metadata.a.b.c.d.e.f = 'x'").count("$") == 1


def test_a_value_of_the_callers_is_written_once_where_it_may_be_long() -> None:
    bound = bind(parse("attributes.text > 5 AND attributes.metadata.a.b > 5"), COLUMNS)
    made = condition(bound, lambda column: parse_one(f"coalesce(long, '{column.name}')")).sql(
        "duckdb"
    )
    assert made.count("long") == 2


def test_a_value_of_the_callers_is_closed_in_parentheses_and_left_in_its_own_tree() -> None:
    mine = parse_one("SELECT a || b", read="duckdb").find(exp.DPipe)
    assert mine is not None
    bound = bind(parse("name LIKE 'x' AND name = 'y'"), COLUMNS)
    made = condition(bound, lambda _: mine)
    assert made.sql("duckdb") == "(a || b) LIKE 'x' AND (a || b) = 'y'"
    assert isinstance(mine.parent, exp.Select)


def test_thousands_of_alternatives_are_neither_deep_nor_slow_to_write() -> None:
    tree = any_of(parse(f"name = 'n{index}'") for index in range(5_000))
    sql = condition(bind(tree, COLUMNS)).sql("duckdb")
    assert sql.count(" OR ") == 4_999


def test_no_filter_is_true_and_sql_is_refused() -> None:
    assert condition(bind(AlwaysTrue(), COLUMNS)).sql("duckdb") == "TRUE"
    with pytest.raises(TypeError, match="not part"):
        condition(BoundFilter(Opaque("random()", "a function"), {}))
