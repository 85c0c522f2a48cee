"""What cannot be written is told by value, in the outcomes and in the state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from spanduck import write_back

if TYPE_CHECKING:
    from pathlib import Path

FIRST = "span-000000000000"
DEEP = "repeat('[', 9) || '1' || repeat(']', 9)"

# kind, columns, values, status, error_code, what the reason says
BAD = [
    ("eval", "label", "('{first}', 'Q', repeat('é', 101))", "label_too_long", "101 characters"),
    ("eval", "score", "('{first}', 'Q', 'nan'::DOUBLE)", "score_not_finite", "score is nan"),
    ("eval", "score", "('{first}', 'Q', '-inf'::DOUBLE)", "score_not_finite", "score is -inf"),
    ("eval", "score", "('{first}', 'Q', 'high')", "score_not_a_number", "'high', not a number"),
    ("eval", "score", "('{first}', 'Q', DATE '2024-01-01')", "score_not_a_number", "score is DATE"),
    ("eval", "label", "('{first}', 'Q', 7)", "label_not_text", "CAST it to VARCHAR"),
    ("eval", "label", "(7, 'Q', 'x')", "span_id_not_text", "span_id is INTEGER"),
    ("eval", "label", "(NULL, 'Q', 'x')", "missing_span_id", "span_id is NULL"),
    ("eval", "label", "('{first}', NULL::VARCHAR, 'x')", "missing_name", "name is NULL"),
    ("eval", "label", "('{first}', 'annotation.notes', 'x')", "name_not_sendable", "letters"),
    ("eval", "label", "('nobody-knows-it', 'Q', 'x')", "unknown_span", "no span with this id"),
    ("annotation", "label", "('{first}', 'Q', '')", "label_empty", "label is empty"),
    ("annotation", "text", "('{first}', 'Q', '')", "text_empty", "text is empty"),
    ("annotation", "text", "('{first}', 'Q', repeat('x', 10001))", "text_too_long", "10001"),
    (
        "annotation",
        "text",
        "('{first}', 'annotation.notes', repeat('x', 9950))",
        "text_too_long",
        "characters as it is written; at most 10000",
    ),
    (
        "annotation",
        "label",
        "('{first}', 'annotation.notes', 'x')",
        "name_not_sendable",
        "a note has a text only",
    ),
    ("metadata", "value", "(NULL, 'k', 1)", "missing_span_id", "span_id is NULL"),
    ("metadata", "value", "('{first}', NULL::VARCHAR, 1)", "missing_name", "key is NULL"),
    ("metadata", "value", "('{first}', 7, 1)", "name_not_text", "key is INTEGER"),
    ("metadata", "value", "('{first}', 'k', 'nan'::DOUBLE)", "value_not_finite", "NaN"),
    ("metadata", "value", "('{first}', 'k', [1, 'inf'::DOUBLE])", "value_not_finite", "[1.0,"),
    (
        "metadata",
        "value",
        "('{first}', 'k', repeat('x', 1000000))",
        "patch_too_long",
        "1000002 characters of JSON; at most 1000000",
    ),
    ("metadata", "value", "('{first}', 'k', ({deep})::JSON)", "patch_too_deep", "8 levels deep"),
    ("metadata", "value", "('nobody-knows-it', 'k', 1)", "unknown_span", "no span with this id"),
]
PATCHES = [
    ("'{{'", "not_json", "not JSON: '{'"),
    ("''", "not_json", "not JSON: ''"),
    ("'[1]'", "not_an_object", "a patch is a JSON object, not '[1]'"),
    ("'null'", "not_an_object", "not 'null'"),
    ("7", "not_an_object", "not '7'"),
    ("[1]", "not_an_object", "not '[1]'"),
    ("'{{}}'", "empty_patch", "the patch has no key"),
    ("' {{ }} '", "empty_patch", "the patch has no key"),
    ("""'{{"a": NaN}}'""", "value_not_finite", '"a": NaN'),
    ("{{'a': 1, 'b': {{'c': 'inf'::DOUBLE}}}}", "value_not_finite", '"c":Infinity'),
    ("""'{{"a":' || {deep} || '}}'""", "patch_too_deep", "nested more than 9 levels"),
    ("""'{{"a": 1, "a": 2}}'""", "refused", "key twice"),
]


@pytest.fixture(scope="module")
def shared(server: Any) -> list[str]:
    return []


@pytest.fixture
def project(new_project: Any, shared: list[str]) -> str:
    # Nothing is written, so one project is enough.
    if not shared:
        shared.append(new_project("bad values"))
    return shared[0]


def refused(
    settings: Any, sql: str, project: str, state: Path, **more: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write one bad value; return its outcome, and its row of the state."""
    with duckdb.connect(state) as con:
        with write_back(con, sql, project=project, **{**settings, **more}) as report:
            (outcome,) = report.outcomes().read_all().to_pylist()
            assert report.values == 1
            assert report.accepted == 0
        rows = con.sql("FROM spanduck_state.rejected").to_arrow_table().to_pylist()
        (row,) = rows
        return outcome, row


@pytest.mark.parametrize(("kind", "column", "values", "code", "said"), BAD)
def test_a_bad_value_is_named_and_its_row_kept(
    settings: Any,
    project: str,
    tmp_path: Path,
    *,
    kind: str,
    column: str,
    values: str,
    code: str,
    said: str,
) -> None:
    name = "key" if kind == "metadata" else "name"
    values = values.format(first=FIRST, deep=DEEP)
    sql = f"SELECT * FROM (VALUES {values}) AS t(span_id, {name}, {column})"
    outcome, row = refused(settings, sql, project, tmp_path / "s.duckdb", kind=kind)
    assert outcome["error_code"] == row["error_code"] == code
    assert said in outcome["reason"]
    assert row["reason"] == outcome["reason"]
    assert row["status"] == outcome["status"] == ("unmatched" if code[-4:] == "span" else "invalid")
    assert (row["row"], row["kind"], row["project"], row["tries"]) == (0, kind, project, 1)
    assert row["span_id"] == outcome["span_id"]


@pytest.mark.parametrize(("patch", "code", "said"), PATCHES)
def test_a_bad_patch_is_named_and_its_row_kept(
    settings: Any, project: str, tmp_path: Path, *, patch: str, code: str, said: str
) -> None:
    sql = f"SELECT '{FIRST}' AS span_id, {patch.format(deep=DEEP)} AS patch_document"
    outcome, row = refused(settings, sql, project, tmp_path / "s.duckdb")
    assert outcome["error_code"] == row["error_code"] == code
    assert said in outcome["reason"]
    assert row["body"] is not None


def test_what_is_just_within_the_limits_is_taken(settings: Any, new_project: Any) -> None:
    project = new_project("just right")
    nested = "repeat('[', 8) || '1' || repeat(']', 8)"
    for sql in (
        f"""SELECT '{FIRST}' AS span_id, repeat('é', 100) AS "eval.Q.label" """,
        f"""SELECT '{FIRST}' AS span_id, repeat('x', 9900) AS "annotation.notes" """,
        f"SELECT '{FIRST}' AS span_id, 'k' AS key, repeat('x', 999998) AS value",
        f"SELECT '{FIRST}' AS span_id, 'd' AS key, ({nested})::JSON AS value",
        f"SELECT '{FIRST}' AS span_id, 'e' AS key, repeat('[', 9) || repeat(']', 9) AS value",
        f"SELECT '{FIRST}' AS span_id, '{{\"a\":' || {nested} || '}}' AS patch_document",
    ):
        with duckdb.connect() as con, write_back(con, sql, project=project, **settings) as report:
            assert report.accepted == report.values == 1, sql[:60]


def test_duplicates_are_told_by_the_row_they_repeat(
    settings: Any, new_project: Any, tmp_path: Path
) -> None:
    project = new_project("duplicates")
    sql = f"""SELECT * FROM (VALUES ('{FIRST}', 'a', 1), ('{FIRST}', 'a', 1), ('{FIRST}', 'b', 1),
        ('{FIRST}', 'b', 2)) AS t(span_id, key, value)"""
    with duckdb.connect(tmp_path / "s.duckdb") as con:
        with write_back(con, sql, project=project, **settings) as report:
            told = report.outcomes().read_all().to_pylist()
            assert (report.accepted, report.duplicate, report.invalid) == (1, 1, 2)
        assert [(row["row"], row["error_code"], row["reason"]) for row in told] == [
            (1, "equal_duplicate", "equal to row 0, which stands for both"),
            (2, "conflicting_duplicate", "a later row gives another value for this name"),
            (3, "conflicting_duplicate", "row 2 gives another value for this name"),
        ]
        # An equal one is no failure, so it is not kept as one.
        kept = con.execute('SELECT "row", status FROM spanduck_state.rejected ORDER BY 1')
        assert kept.fetchall() == [(2, "invalid"), (3, "invalid")]


def test_a_key_that_finds_no_span_or_several_is_told_once_a_row(
    settings: Any, new_project: Any, tmp_path: Path
) -> None:
    project = new_project("keys")
    orders = f"""SELECT * FROM (VALUES ('{FIRST}', 'o1'), ('span-000000000001', 'o2'),
        ('span-000000000002', 'o2')) AS t(span_id, "attributes.metadata.order_id")"""
    sql = """SELECT * FROM (VALUES ('o1', 'x'), ('o2', 'x'), ('o3', 'x'), ('o3', 'x'), ('o3', 'y'),
        (NULL, 'x')) AS t("attributes.metadata.order_id", "eval.Q.label")"""
    key = "attributes.metadata.order_id"
    with duckdb.connect(tmp_path / "s.duckdb") as con:
        write_back(con, orders, project=project, **settings).close()
        with write_back(con, sql, project=project, key=key, **settings) as report:
            told = report.outcomes(all=True).read_all().to_pylist()
        assert [(row["row"], row["status"], row["error_code"]) for row in told] == [
            (0, "accepted", None),
            (1, "invalid", "ambiguous_key"),
            (2, "unmatched", "unknown_key"),
            (3, "unmatched", "unknown_key"),
            (4, "unmatched", "unknown_key"),
            (5, "invalid", "missing_span_id"),
        ]
        assert "2 spans have this key, 'span-000000000001'" in told[1]["reason"]
        assert told[5]["reason"] == "attributes.metadata.order_id is NULL"
        assert report.counts()["accepted"] == 1
        assert sum(report.counts().values()) == report.values == 6
        # An unknown key is found once a span has it.
        more = orders.replace("o1", "o3").replace("'o2'", "'o4'")
        write_back(con, more, project=project, **settings).close()
        again = sql.replace("('o1', 'x'), ", "").replace("('o3', 'y'),", "")
        with write_back(con, again, project=project, key=key, **settings) as report:
            assert report.duplicate == 1
            assert report.unchanged == 1
