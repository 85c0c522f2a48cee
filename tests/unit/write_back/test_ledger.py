from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

from spanduck._write_back.ledger import Ledger
from spanduck._write_back.shape import model_shape
from spanduck._write_back.values import values_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger() as ledger:
        yield ledger


def fill(ledger: Ledger, sql: str) -> list[dict[str, Any]]:
    """Add the rows of a model, and return the outcomes as if all valid values had been sent."""
    with duckdb.connect() as con:
        query = con.sql(sql)
        shape = model_shape(query.columns, [str(type_) for type_ in query.types], kind="eval")
        rows = 0
        for batch in query.to_arrow_reader(2_048):
            ledger.add(values_of(batch, shape, first_row=rows))
            rows += len(batch)
    ledger.settle()
    ledger.compare(full=False, only_failed=False, limit=None)
    return [row for batch in ledger.outcomes(all_values=True) for row in batch.to_pylist()]


def codes(outcomes: list[dict[str, Any]]) -> list[str | None]:
    return [outcome["error_code"] for outcome in outcomes]


@pytest.mark.parametrize(
    ("row", "code", "reason"),
    [
        ("NULL, 'Q', 'a', 1, NULL", "missing_span_id", "span_id is NULL"),
        ("E' \\t', 'Q', 'a', 1, NULL", "missing_span_id", "span_id is blank"),
        ("'\u3000', 'Q', 'a', 1, NULL", "missing_span_id", "span_id is blank"),
        ("'s', NULL, 'a', 1, NULL", "missing_name", "name is NULL"),
        ("'s', '', 'a', 1, NULL", "missing_name", "name is blank"),
        ("'s', 'my-eval', 'a', 1, NULL", "name_not_sendable", "'my-eval'"),
        ("'s', 'a.b', 'a', 1, NULL", "name_not_sendable", "'a.b'"),
        ("'s', 'Qualité', 'a', 1, NULL", "name_not_sendable", "'Qualité'"),
        ("'s', 'Q', '', 1, NULL", "label_empty", "label is empty"),
        ("'s', 'Q', repeat('é', 101), 1, NULL", "label_too_long", "101 characters"),
        ("'s', 'Q', 'a', 'nan', NULL", "score_not_finite", "score is nan"),
        ("'s', 'Q', 'a', 'inf', NULL", "score_not_finite", "score is inf"),
        ("'s', 'Q', NULL, '-inf', NULL", "score_not_finite", "score is -inf"),
        ("'s', 'Q', 'a', 1, repeat('é', 10001)", "explanation_too_long", "10001 characters"),
        ("'s', 'Q', NULL, NULL, 'because'", "explanation_alone", "needs a label or a score"),
        ("'s', 'Q', repeat('é', 100), 1, repeat('é', 10000)", None, None),
        ("'s', E'My eval_1\\u00a0\\t', 'a', -0.0, ''", None, None),
    ],
)
def test_each_rule_has_its_code_and_reason(
    ledger: Ledger, row: str, code: str | None, reason: str | None
) -> None:
    sql = f"SELECT * FROM (VALUES ({row})) AS t(span_id, name, label, score, explanation)"
    sql = f"SELECT * REPLACE (CAST(score AS DOUBLE) AS score) FROM ({sql})"
    (outcome,) = fill(ledger, sql)
    assert outcome["error_code"] == code
    assert outcome["status"] == ("accepted" if code is None else "invalid")
    if reason is None:
        assert outcome["reason"] is None
    else:
        assert reason in outcome["reason"]


def test_names_may_hold_any_white_space_that_python_knows(ledger: Ledger) -> None:
    spaces = [chr(code) for code in range(0x110000) if chr(code).isspace()]
    table = pa.table(
        {
            "span_id": ["s"] * len(spaces),
            "name": [f"a{space}{number}" for number, space in enumerate(spaces)],
            "label": ["x"] * len(spaces),
        }
    )
    shape = model_shape(table.column_names, ["VARCHAR"] * 3, kind="eval")
    ledger.add(values_of(table.to_batches()[0], shape, first_row=0))
    ledger.settle()
    assert ledger.counts()["invalid"] == 0


def test_a_level_is_span_unless_it_says_otherwise(ledger: Ledger) -> None:
    outcomes = fill(
        ledger,
        "SELECT 's' AS span_id, 'Q' AS name, 'x' AS label, level"
        " FROM (VALUES ('span'), (NULL), ('trace'), ('session'), ('Trace')) AS t(level)",
    )
    assert [(o["name"], o["error_code"]) for o in outcomes] == [
        ("Q", None),
        ("Q", "equal_duplicate"),
        ("trace_eval.Q", None),
        ("session_eval.Q", None),
        ("Q", "unknown_level"),
    ]


@pytest.mark.parametrize(
    ("label", "code", "reason"),
    [
        ("1", "label_not_text", "label is INTEGER, not text; CAST it to VARCHAR"),
        ("'\"x\"'::JSON", "label_not_text", "label is JSON, not text; extract it with ->>"),
        ("'x'::ENUM('x')", None, None),
        ("NULL", None, None),
    ],
)
def test_a_label_of_another_type_is_refused_with_the_remedy(
    ledger: Ledger, label: str, code: str | None, reason: str | None
) -> None:
    (outcome,) = fill(ledger, f"SELECT 's' AS span_id, 'Q' AS name, {label} AS label, 1 AS score")
    assert (outcome["error_code"], outcome["reason"]) == (code, reason)


@pytest.mark.parametrize(
    ("score", "code"),
    [
        ("1::TINYINT", None),
        ("1::HUGEINT", None),
        ("1.5::DECIMAL(10, 2)", None),
        ("true", None),
        ("' 0.5 '", None),
        ("'0.5'::JSON", None),
        ("'high'", "score_not_a_number"),
        ("'nan'", "score_not_finite"),
        ("DATE '2020-01-01'", "score_not_a_number"),
        ("[1]", "score_not_a_number"),
    ],
)
def test_a_score_is_a_number_or_reads_as_one(ledger: Ledger, score: str, code: str | None) -> None:
    assert codes(fill(ledger, f"SELECT 's' AS span_id, 'Q' AS name, {score} AS score")) == [code]


def test_a_span_id_and_a_name_of_another_type_are_refused(ledger: Ledger) -> None:
    assert codes(fill(ledger, "SELECT 7 AS span_id, 'Q' AS name, 'x' AS label")) == [
        "span_id_not_text"
    ]
    with Ledger() as other:
        assert codes(fill(other, "SELECT 's' AS span_id, 7 AS name, 'x' AS label")) == [
            "name_not_text"
        ]


def test_rows_without_any_field_hold_no_value(ledger: Ledger) -> None:
    outcomes = fill(
        ledger,
        """SELECT 's' AS span_id, label AS "eval.Q.label", score AS "eval.R.score"
        FROM (VALUES (NULL, NULL), ('x', NULL), (NULL, 0.5), ('y', 0.7)) AS t(label, score)""",
    )
    assert [(o["row"], o["name"]) for o in outcomes] == [(1, "Q"), (2, "R"), (3, "Q"), (3, "R")]


def test_of_equal_duplicates_the_first_is_sent(ledger: Ledger) -> None:
    outcomes = fill(
        ledger,
        """SELECT * FROM (VALUES ('s', 'x', 0.0::DOUBLE), ('t', 'x', 1), ('s', 'x', -0.0::DOUBLE), ('s', 'x', 0))
        AS t(span_id, "eval.Q.label", "eval.Q.score")""",
    )
    assert [o["status"] for o in outcomes] == ["accepted", "accepted", "duplicate", "duplicate"]
    assert outcomes[3]["reason"] == "equal to row 0, which stands for both"


@pytest.mark.parametrize(
    "rows",
    [
        "('x', NULL, NULL), ('x', 0.5, NULL)",
        "('x', NULL, NULL), ('y', NULL, NULL)",
        "('x', NULL, NULL), ('x', NULL, '')",
        "('x', 1, 'a'), ('x', 1, 'b')",
        "('x', 1, 'a:b'), ('x:a', 1, 'b')",
    ],
)
def test_unequal_duplicates_are_each_invalid(ledger: Ledger, rows: str) -> None:
    outcomes = fill(
        ledger,
        f"SELECT 's' AS span_id, 'Q' AS name, * FROM (VALUES {rows}) AS t(label, score, explanation)",
    )
    assert codes(outcomes) == ["conflicting_duplicate"] * 2
    assert outcomes[1]["reason"] == "row 0 gives another value for this name"
    assert ledger.outbox.groups() == []


def test_a_value_that_is_invalid_by_itself_conflicts_with_none(ledger: Ledger) -> None:
    outcomes = fill(
        ledger,
        "SELECT 's' AS span_id, 'Q' AS name, * FROM (VALUES ('x'), ('')) AS t(label)",
    )
    assert codes(outcomes) == [None, "label_empty"]


def test_names_that_differ_by_case_stay_apart(ledger: Ledger) -> None:
    outcomes = fill(
        ledger, """SELECT 's' AS span_id, 'x' AS "eval.Q.label", 'y' AS "eval.q.label" """
    )
    assert [o["name"] for o in outcomes] == ["Q", "q"]


def test_many_names_are_sent_in_several_groups(ledger: Ledger) -> None:
    fill(ledger, "SELECT 's' AS span_id, 'Q' || i AS name, 'x' AS label FROM range(70) AS t(i)")
    assert [len(group) for group in ledger.outbox.groups()] == [32, 32, 6]


def test_closing_removes_the_files_and_may_be_done_again() -> None:
    ledger = Ledger()
    folder = ledger._folder
    assert folder.exists()
    ledger.close()
    ledger.close()
    assert not folder.exists()
    assert ledger.is_closed


def test_the_files_go_with_the_last_reference() -> None:
    folder = Ledger()._folder
    assert not folder.exists()
