from __future__ import annotations

import pyarrow as pa
import pytest

from spanduck_sql.expressions import Compare, Comparison, Like, Literal
from spanduck_sql.language.printer import to_text
from spanduck_sql.rewrite import RewrittenCall, SpansCall, rewrite
from spanduck_sql.schema import CORE_TYPES

SCHEMA = pa.schema(
    [*CORE_TYPES.items(), ("attributes.n", pa.int64()), ("attributes.s", pa.string())]
)
MARK = "/* pushed by spanduck */"


def calls(text: str) -> tuple[RewrittenCall, ...]:
    return rewrite(text, lambda _: SCHEMA).calls


def pushed(text: str) -> list[str | None]:
    """The generated filter of each call."""
    found = [call.generated for call in calls(text)]
    return [None if predicate is None else to_text(predicate) for predicate in found]


def changed(text: str) -> str:
    return rewrite(text, lambda _: SCHEMA).text


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM spans('p') WHERE name LIKE 'a%'",
        "SELECT * FROM spans('p') s WHERE s.name LIKE 'a%'",
        "FROM spans('p') AS \"S\" WHERE s.\"NAME\" LIKE 'a%'",
        "FROM s: spans('p') WHERE s.name LIKE 'a%'",
        "SELECT * FROM MAIN.Spans ( 'p' ) WHERE Name LIKE 'a%'",
        "SELECT * FROM memory.main.spans(project => 'p') WHERE name LIKE 'a%'",
        "SELECT * FROM spans($$p$$, columns := ['name']) WHERE name LIKE 'a%'",
        "SELECT * FROM (spans('p')) WHERE name LIKE 'a%'",
        "SELECT name, row_number() OVER () FROM spans('p') WHERE name LIKE 'a%' LIMIT 3",
        "SELECT DISTINCT name FROM spans('p') WHERE starts_with(name, 'a') ORDER BY 1",
        "SELECT (SELECT count(*) FROM spans('p') WHERE name LIKE 'a%') FROM u",
        "SELECT * FROM u WHERE EXISTS (FROM spans('p') s WHERE s.name = u.name AND s.name LIKE 'a%')",
        "SELECT * FROM u WHERE name IN (SELECT name FROM spans('p') WHERE name LIKE 'a%')",
        "SELECT * FROM u, LATERAL (FROM spans('p') s WHERE s.name = u.name AND s.name LIKE 'a%') l",
        "SELECT 1 UNION ALL SELECT name FROM spans('p') WHERE name LIKE 'a%'",
        "VALUES (1) EXCEPT SELECT 1 FROM spans('p') WHERE name LIKE 'a%'",
        "WITH s AS (FROM spans('p') WHERE name LIKE 'a%') SELECT * FROM s, s AS z",
        "CREATE OR REPLACE TEMP TABLE t AS SELECT * FROM spans('p') WHERE name LIKE 'a%'",
        "INSERT INTO t BY NAME SELECT * FROM spans('p') WHERE name LIKE 'a%'",
        "COPY (SELECT * FROM spans('p') WHERE name LIKE 'a%') TO 'f.parquet' (FORMAT parquet)",
        "EXPLAIN SELECT * FROM spans('p') WHERE name LIKE 'a%'",
        "EXPLAIN ANALYZE SELECT * FROM spans('p') WHERE name LIKE 'a%'",
        "EXPLAIN (FORMAT json) SELECT * FROM spans('p') WHERE name LIKE 'a%'",
        "DESCRIBE SELECT * FROM spans('p') WHERE name LIKE 'a%'",
        "SUMMARIZE SELECT * FROM spans('p') WHERE name LIKE 'a%'",
        "PIVOT (FROM spans('p') WHERE name LIKE 'a%') ON status_code USING count(*)",
    ],
)
def test_a_condition_on_a_call_reaches_its_filter(text: str) -> None:
    assert pushed(text) == ["name LIKE 'a%'"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM (SELECT * FROM spans('p')) WHERE name LIKE 'a%'",
        "SELECT * FROM (SELECT x.* FROM spans('p') x) s WHERE s.name LIKE 'a%'",
        "SELECT * FROM (SELECT name AS n FROM spans('p')) s WHERE n LIKE 'a%'",
        "SELECT * FROM (SELECT status_code AS name, name AS n FROM spans('p')) WHERE n LIKE 'a%'",
        "SELECT * FROM (SELECT * RENAME (name AS n) FROM spans('p')) WHERE n LIKE 'a%'",
        "SELECT * FROM (SELECT *, upper(name) AS u FROM spans('p')) WHERE name LIKE 'a%' AND u = 'A'",
        "WITH s AS (SELECT * FROM spans('p')) SELECT * FROM s WHERE name LIKE 'a%'",
        "WITH spans AS (SELECT * FROM spans('p')) SELECT * FROM spans WHERE spans.name LIKE 'a%'",
        "WITH a AS (FROM spans('p')), b AS (SELECT name AS n FROM a) FROM b WHERE n LIKE 'a%'",
        "WITH s AS (FROM spans('p')) INSERT INTO t SELECT * FROM s WHERE name LIKE 'a%'",
        "SELECT * FROM u LEFT JOIN (SELECT * FROM spans('p')) s ON s.name LIKE 'a%'",
        "SELECT * FROM (FROM u LEFT JOIN spans('p') s ON true SELECT s.name AS n) WHERE n LIKE 'a%'",
    ],
)
def test_a_condition_passes_through_a_subquery_that_only_chooses_columns(text: str) -> None:
    assert pushed(text) == ["name LIKE 'a%'"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM (SELECT DISTINCT * FROM spans('p')) WHERE name LIKE 'a%'",
        "SELECT * FROM (SELECT * FROM spans('p') LIMIT 3) WHERE name LIKE 'a%'",
        "SELECT * FROM (SELECT * FROM spans('p') OFFSET 3) WHERE name LIKE 'a%'",
        "SELECT * FROM (SELECT *, row_number() OVER () AS r FROM spans('p')) WHERE name LIKE 'a%'",
        "SELECT * FROM (SELECT name, count(*) FROM spans('p') GROUP BY 1) WHERE name LIKE 'a%'",
        "SELECT * FROM (FROM spans('p') UNION ALL FROM spans('p')) WHERE name LIKE 'a%'",
        "SELECT * FROM (SELECT upper(name) AS name FROM spans('p')) WHERE name LIKE 'a%'",
        "SELECT * FROM (SELECT * REPLACE (upper(name) AS name) FROM spans('p')) WHERE name LIKE 'a%'",
        "SELECT * FROM (SELECT name, status_code AS name FROM spans('p')) WHERE name LIKE 'a%'",
        "SELECT * FROM (SELECT unnest({'name': 1}), * FROM spans('p')) WHERE name LIKE 'a%'",
        "SELECT * FROM (SELECT COLUMNS(*) FROM spans('p')) WHERE name LIKE 'a%'",
        "SELECT * FROM (SELECT * FROM spans('p')) s(a, b) WHERE a LIKE 'a%'",
        "SELECT * FROM (SELECT * FROM spans('p')) TABLESAMPLE 10% WHERE name LIKE 'a%'",
        "WITH s AS (FROM spans('p')) SELECT * FROM s WHERE name LIKE 'a%' UNION ALL FROM s",
        "WITH s AS (FROM spans('p')) SELECT * FROM s WHERE name LIKE 'a%' AND 1 < (SELECT count(*) FROM s)",
        "WITH s AS MATERIALIZED (FROM spans('p')) SELECT * FROM s WHERE name LIKE 'a%'",
        "WITH RECURSIVE s AS (FROM spans('p')) SELECT * FROM s WHERE name LIKE 'a%'",
        "WITH s(a, b) AS (FROM spans('p')) SELECT * FROM s WHERE a LIKE 'a%'",
        "WITH s AS (FROM spans('p')) SELECT * FROM s WHERE name LIKE 'a%' AND (SELECT true FROM query('FROM s'))",
        "SELECT (SELECT 1 FROM (WITH s AS (FROM spans('p')) FROM s) z) FROM s WHERE name LIKE 'a%'",
    ],
)
def test_a_condition_stays_outside_of_any_other_subquery(text: str) -> None:
    assert set(pushed(text)) == {None}
    assert changed(text) == text


A, B = "s.name LIKE 'a%'", "s.status_code IS NULL"
BOTH = "name LIKE 'a%' AND status_code IS NULL"


@pytest.mark.parametrize(
    ("source", "where", "expected"),
    [
        (f"spans('p') s JOIN u ON {A}", B, "status_code IS NULL AND name LIKE 'a%'"),
        ("spans('p') s, u", f"{A} AND {B}", BOTH),
        ("u CROSS JOIN spans('p') s", f"{A} AND {B}", BOTH),
        (f"spans('p') s LEFT JOIN u ON {A}", B, "status_code IS NULL"),
        (f"u LEFT JOIN spans('p') s ON {A}", B, "name LIKE 'a%'"),
        (f"u LEFT JOIN spans('p') s ON {B}", A, "name LIKE 'a%' AND status_code IS NULL"),
        (f"spans('p') s RIGHT JOIN u ON {A}", B, "name LIKE 'a%'"),
        (f"u RIGHT JOIN spans('p') s ON {A}", B, "status_code IS NULL"),
        (f"u FULL JOIN spans('p') s ON {B}", A, "name LIKE 'a%'"),
        (f"u FULL JOIN spans('p') s ON {A}", B, None),
        (f"spans('p') s SEMI JOIN u ON {A}", B, "status_code IS NULL AND name LIKE 'a%'"),
        (f"u SEMI JOIN spans('p') s ON {A}", "name IS NULL", "name LIKE 'a%'"),
        (f"spans('p') s ANTI JOIN u ON {A}", B, "status_code IS NULL"),
        (f"u ANTI JOIN spans('p') s ON {A}", "name IS NULL", "name LIKE 'a%'"),
        (f"spans('p') s ASOF JOIN u ON s.n > u.n AND {A}", B, "status_code IS NULL"),
        (f"u ASOF LEFT JOIN spans('p') s ON u.n > s.n AND {A}", A, None),
        ("u POSITIONAL JOIN spans('p') s", A, None),
        (f"(spans('p') s RIGHT JOIN u ON {A}) POSITIONAL JOIN v", "u.n = 1", None),
        (f"v POSITIONAL JOIN (spans('p') s JOIN u ON {A})", B, None),
        (f"(SELECT * FROM spans('p') s RIGHT JOIN u ON {A}) x POSITIONAL JOIN v", "TRUE", None),
        (f"(v POSITIONAL JOIN u) JOIN spans('p') s ON {A}", "u.n = 1", "name LIKE 'a%'"),
        (f"spans('p') s, u RIGHT JOIN v ON {A}", B, "status_code IS NULL"),
        (
            f"u LEFT JOIN (v JOIN spans('p') s ON {A}) ON {B}",
            "u.n = 1",
            "status_code IS NULL AND name LIKE 'a%'",
        ),
        (
            f"u LEFT JOIN v JOIN spans('p') s ON {A} ON {B}",
            "u.n = 1",
            "status_code IS NULL AND name LIKE 'a%'",
        ),
        (f"(u LEFT JOIN spans('p') s ON {A}) z", "z.name LIKE 'b%'", None),
        ("spans('p') s JOIN u USING (name)", "name LIKE 'a%'", None),
        ("spans('p') s NATURAL JOIN u", "status_code LIKE 'a%'", None),
        (
            "spans('p') s JOIN u USING (name)",
            "s.name LIKE 'a%' AND status_code = 'OK'",
            "name LIKE 'a%' AND status_code = 'OK'",
        ),
        ("spans('p') s TABLESAMPLE 10%", A, None),
        ("spans('p') s PIVOT (count(*) FOR status_code IN ('OK'))", A, None),
        ("spans('p') AS s(name, b)", A, None),
    ],
)
def test_a_join_lets_through_what_it_cannot_undo(
    source: str, where: str, expected: str | None
) -> None:
    assert pushed(f"SELECT 1 FROM {source} WHERE {where}") == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT name FROM spans('p') GROUP BY name HAVING name LIKE 'a%'", "name LIKE 'a%'"),
        ("SELECT name AS n FROM spans('p') GROUP BY n HAVING name LIKE 'a%'", "name LIKE 'a%'"),
        ("SELECT 1, name FROM spans('p') GROUP BY 2 HAVING name LIKE 'a%'", "name LIKE 'a%'"),
        (
            "SELECT name, max(1) FROM spans('p') GROUP BY ALL HAVING name LIKE 'a%'",
            "name LIKE 'a%'",
        ),
        (
            "SELECT name FROM spans('p') GROUP BY name HAVING name LIKE 'a%' AND count(*) > 1",
            "name LIKE 'a%'",
        ),
        ("SELECT name FROM spans('p') GROUP BY name HAVING name LIKE 'a%' OR count(*) > 1", None),
        ("SELECT upper(name) FROM spans('p') GROUP BY ALL HAVING name LIKE 'a%'", None),
        ("SELECT upper(name) AS name FROM spans('p') GROUP BY name HAVING name LIKE 'a%'", None),
        (
            "SELECT status_code AS name, name AS x FROM spans('p') GROUP BY ALL HAVING name LIKE 'a%'",
            None,
        ),
        ("SELECT *, name FROM spans('p') GROUP BY 2 HAVING name LIKE 'a%'", None),
        ("SELECT name FROM spans('p') GROUP BY ROLLUP (name) HAVING name LIKE 'a%'", None),
        ("SELECT name FROM spans('p') GROUP BY CUBE (name) HAVING name LIKE 'a%'", None),
        (
            "SELECT name FROM spans('p') GROUP BY GROUPING SETS ((name), ()) HAVING name LIKE 'a%'",
            None,
        ),
        ("SELECT max(name) FROM spans('p') HAVING max(name) LIKE 'a%'", None),
        ("SELECT name, row_number() OVER () r FROM spans('p') QUALIFY name LIKE 'a%'", None),
        ("SELECT count(*) FILTER (WHERE name LIKE 'a%') FROM spans('p')", None),
        ("SELECT name FROM spans('p') WHERE name LIKE 'a%' USING SAMPLE 10%", None),
    ],
)
def test_having_is_pushed_where_it_reads_keys(text: str, expected: str | None) -> None:
    assert pushed(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM spans('p') s WHERE t.name LIKE 'a%'",
        "SELECT * FROM spans('p') WHERE spans.name LIKE 'a%'",  # the call has no name to DuckDB
        "SELECT * FROM spans('p') s WHERE s.name.x LIKE 'a%'",
        "SELECT * FROM spans('p') s WHERE main.s.name LIKE 'a%'",
        "SELECT * FROM spans('p') WHERE attributes.s LIKE 'a%'",
        "SELECT upper(name) AS x FROM spans('p') WHERE x LIKE 'a%'",
        "SELECT * FROM spans('p'), spans('q') WHERE name LIKE 'a%'",
        "SELECT * FROM spans('p') s WHERE EXISTS (FROM u WHERE name LIKE 'a%')",
        "SELECT * FROM u, spans('p') AS name WHERE name LIKE 'a%'",
        "SELECT * FROM spans('p', columns := ['status_code']) WHERE name LIKE 'a%'",
        "SELECT * FROM spans('p') WHERE metadata -> 'k' = 'v' AND name LIKE 'a%'",
        "SELECT * FROM spans('p') WHERE (name = 'x' OR metadata -> 'k' = 'v') AND name LIKE 'a%'",
    ],
)
def test_a_name_that_may_mean_something_else_is_no_column_of_the_call(text: str) -> None:
    assert set(pushed(text)) == {None}


def test_each_of_two_calls_gets_its_own() -> None:
    text = (
        "SELECT * FROM spans('p') a JOIN spans('q') b ON a.name = b.name AND b.status_code LIKE 'O%' "
        "WHERE a.name LIKE 'a%' AND (a.name = 'x' OR b.name = 'y')"
    )
    assert pushed(text) == ["name LIKE 'a%'", "status_code LIKE 'O%'"]


def test_the_text_stays_as_written_around_the_argument() -> None:
    text = (
        "-- é 🦆 spans('no')\nSELECT 'spans(''x'') 🦆', $q$ spans('y') $q$, \"spans\"\n"
        "FROM  main . Spans /* ( */ ( 'p' -- )\n , columns := ['name']\t)\n\tas S\n"
        "WHERE  s.name LIKE 'ü%' ;;\nSELECT /* two */ 2"
    )
    literal = f"filter := '{MARK}(name LIKE ''ü%'')'"
    assert changed(text) == text.replace("['name']\t)", f"['name']\t, {literal})")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("spans('p')", f"spans('p', filter := '{MARK}(name LIKE ''a%'')')"),
        ("spans('p',)", f"spans('p',filter := '{MARK}(name LIKE ''a%'')')"),
        ("spans('p', filter := NULL)", f"spans('p', filter := '{MARK}(name LIKE ''a%'')')"),
        (
            "spans('p', FILTER => 'latency_ms>1 or parent_id=null', space := 's')",
            f"spans('p', FILTER => '(latency_ms > 1 OR parent_id IS NULL) AND {MARK}(name LIKE ''a%'')', space := 's')",
        ),
        (
            "spans('p', filter := $$name = 'it''s'$$)",
            f"spans('p', filter := '(name = ''it''''s'') AND {MARK}(name LIKE ''a%'')')",
        ),
    ],
)
def test_a_filter_of_the_callers_own_is_kept(call: str, expected: str) -> None:
    assert changed(f"FROM {call} WHERE name LIKE 'a%'") == f"FROM {expected} WHERE name LIKE 'a%'"


@pytest.mark.parametrize(
    "call",
    [
        "spans('p', filter := 'no filter at all')",
        "spans('p', filter := 'nme = ''x''')",
        "spans('p', filter := '')",
        "spans('p', filter := ?)",
        "spans('p', filter := 'name' || ' = null')",
        "spans('p', filter := 'name = null'::VARCHAR)",
        "spans('p', filter = 'name = null')",
        "spans('p', filter := 'name = null', filter := 'name = null')",
        "spans('p', other := 1)",
        "spans('p', NULL)",
        "spans(?)",
        "spans('p' || 'q')",
        "spans('p', space := $space)",
        "spans('p', columns := getvariable('names'))",
        "spans('p', sample_rate := 0.5)",
        f"spans('p', filter := '{MARK}(name = ''x'')')",
    ],
)
def test_a_call_that_is_not_wholly_known_is_left_alone(call: str) -> None:
    text = f"SELECT * FROM {call} WHERE name LIKE 'a%'"
    assert changed(text) == text
    (told,) = calls(text)
    assert told.not_pushed[0][1]


@pytest.mark.parametrize(
    "text",
    [
        "CREATE VIEW v AS SELECT * FROM spans('p') WHERE name LIKE 'a%'",
        "CREATE MACRO m() AS TABLE SELECT * FROM spans('p') WHERE name LIKE 'a%'",
        "PREPARE x AS SELECT ';' FROM spans('p') WHERE name LIKE 'a%'",
        "DELETE FROM u WHERE name IN (SELECT name FROM spans('p') WHERE name LIKE 'a%')",
        "SELECT * FROM evaluations('p') WHERE name LIKE 'a%'",
        "SELECT * FROM spans WHERE name LIKE 'a%'",
        "SELECT spans('p') FROM t WHERE name LIKE 'a%'",
        "SELECT * FROM spans('p') WHERE name LIKE 'a%",
        "SELECT * FROM spans('p') WHERE name LIKE LIKE 'a%'",
        "SELECT {# x #} * FROM spans('p') WHERE name LIKE 'a%'",
        "SELECT * FROM spans('p') WHERE " + "(" * 3000 + "name LIKE 'a%'" + ")" * 3000,
        "",
        ";",
        "'",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert changed(text) == text


@pytest.mark.parametrize(
    "before",
    [
        "SET default_collation = 'NOCASE'",
        "PRAGMA default_collation = NOCASE",
        "USE other",
        "CREATE MACRO contains(a, b) AS true",
        "EXECUTE x",
    ],
)
def test_what_follows_a_change_of_meaning_is_left_alone(before: str) -> None:
    text = f"{before}; SELECT * FROM spans('p') WHERE name LIKE 'a%'"
    assert changed(text) == text


def test_what_follows_other_statements_is_rewritten() -> None:
    text = (
        "SET threads = 2; CREATE TABLE t (a INT); DROP TABLE t; BEGIN; "
        "CREATE VIEW v AS FROM spans('p') WHERE name LIKE 'a%'; "
        "SELECT * FROM spans('p') WHERE name LIKE 'b%'"
    )
    assert pushed(text) == ["name LIKE 'b%'"]


def test_the_schema_is_asked_for_once_and_only_where_there_is_a_condition() -> None:
    asked: list[SpansCall] = []

    def schema_of(call: SpansCall) -> pa.Schema:
        asked.append(call)
        return SCHEMA

    rewrite("SELECT * FROM spans('p')", schema_of)
    assert asked == []
    text = "FROM db.main.spans('p', space := 'x', filter := 'name = null') WHERE name LIKE 'a%'"
    rewrite(f"{text} UNION ALL {text}", schema_of)
    assert asked == [SpansCall("p", "x", ("db", "main"), "name = null")]


def test_without_a_schema_a_call_is_left_alone_and_others_are_not() -> None:
    text = "SELECT * FROM spans('p') a, spans('q') b WHERE a.name LIKE 'a%' AND b.name LIKE 'b%'"
    made = rewrite(text, lambda call: SCHEMA if call.project == "q" else None)
    assert [call.generated for call in made.calls] == [None, Like("name", "b%")]
    assert made.calls[0].not_pushed == (("spans('p')", "the project's columns are not known"),)


def test_it_is_told_what_was_not_pushed_and_why() -> None:
    (call,) = calls(
        "SELECT * FROM spans('p') s LEFT JOIN u ON s.name LIKE 'a%' "
        "WHERE lower(s.name) = 'b' AND u.n = 1 AND s.name != 'c'"
    )
    assert call.generated == Compare(Comparison.NE, "name", Literal("c", "VARCHAR"))
    (function, _), (on, why) = call.not_pushed[1], call.not_pushed[0]
    assert (on, function) == ("\"name\" LIKE 'a%'", "LOWER(s.name) = 'b'")
    assert "outer join" in why


def test_rewriting_twice_changes_nothing_more() -> None:
    once = changed("SELECT * FROM spans('p') WHERE name LIKE 'a%'")
    assert changed(once) == once


def test_conservative_pushes_no_negative_text() -> None:
    text = "SELECT * FROM spans('p') WHERE name != 'a' AND name LIKE 'b%'"
    made = rewrite(text, lambda _: SCHEMA, mode="conservative")
    assert made.calls[0].generated == Like("name", "b%")


@pytest.mark.parametrize("count", [30, 400])
def test_long_statements_are_read_or_left_alone(count: int) -> None:
    ctes = ", ".join(f"c{i} AS (SELECT * FROM c{i - 1})" for i in range(1, count))
    chained = f"WITH c0 AS (FROM spans('p')), {ctes} FROM c{count - 1} WHERE name LIKE 'a%'"
    literal = f"filter := '{MARK}(name LIKE ''a%'')'"
    assert changed(chained) in (chained, chained.replace("('p')", f"('p', {literal})"))
    joins = " ".join(f"LEFT JOIN u u{i} ON u{i}.a = s.name" for i in range(count))
    joined = f"SELECT 1 FROM spans('p') s {joins} WHERE s.name LIKE 'a%'"
    assert changed(joined) == joined.replace("('p')", f"('p', {literal})")
