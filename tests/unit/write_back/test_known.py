from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

from spanduck._write_back.ledger import OUTCOME_SCHEMA, Ledger
from spanduck._write_back.shape import model_shape
from spanduck._write_back.values import values_of

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = "t(span_id, name, label, score, explanation)"
BEFORE = f"""SELECT * FROM (VALUES
    ('a', 'Q', 'good', 1.0, 'because'), ('b', 'Q', 'bad', NULL, NULL), ('c', 'R', NULL, 0.5, 'why')
) AS {COLUMNS}"""


def fill(ledger: Ledger, sql: str) -> None:
    with duckdb.connect() as con:
        query = con.sql(sql)
        shape = model_shape(query.columns, [str(type_) for type_ in query.types], kind="eval")
        rows = 0
        for batch in query.to_arrow_reader(2_048):
            ledger.add(values_of(batch, shape, first_row=rows))
            rows += len(batch)
    ledger.settle()


def sent(sql: str) -> pa.Table:
    """What the state keeps of a model's values, all of which were sent."""
    with Ledger() as ledger:
        fill(ledger, sql)
        queue = ledger.compare(full=False, only_failed=False, limit=None)
        ids = pa.chunked_array([pa.array(range(queue.new), pa.int64())])
        return ledger.entries(ids)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger() as ledger:
        yield ledger


def run(ledger: Ledger, entries: pa.Table, sql: str) -> list[tuple[Any, ...]]:
    """Add a model's values where some were sent before; returns (row, span, status, code) of all."""

    def known(first: int, last: int) -> pa.Table:
        is_asked = [first <= key <= last for key in entries.column("quick_key").to_pylist()]
        return entries.select(["quick_key", "quick_value"]).filter(pa.array(is_asked))

    ledger.expect(known, len(entries))
    fill(ledger, sql)
    hashed = entries.select(["key_high", "key_low", "label_hash", "score", "body_hash"])
    ledger.hold(hashed)
    ledger.compare(full=False, only_failed=False, limit=None)
    return outcomes(ledger, all_values=True)


def outcomes(ledger: Ledger, *, all_values: bool) -> list[tuple[Any, ...]]:
    table = pa.Table.from_batches(ledger.outcomes(all_values=all_values), OUTCOME_SCHEMA)
    columns = table.select(["row", "span_id", "status", "error_code"]).to_pydict().values()
    return list(zip(*columns, strict=True))


def test_values_as_they_were_sent_are_unchanged(ledger: Ledger) -> None:
    assert run(ledger, sent(BEFORE), BEFORE) == [
        (0, "a", "unchanged", None),
        (1, "b", "unchanged", None),
        (2, "c", "unchanged", None),
    ]
    assert ledger.counts()["unchanged"] == 3
    assert ledger.outbox.count() == 0


def test_a_model_without_rows_changes_nothing(ledger: Ledger) -> None:
    assert run(ledger, sent(BEFORE), f"{BEFORE} LIMIT 0") == []
    assert ledger.outbox.count() == 0


def test_others_among_them_are_told_in_the_order_of_the_rows(ledger: Ledger) -> None:
    sql = f"""SELECT * FROM (VALUES
        ('b', 'Q', 'bad', NULL, NULL), ('a', 'Q', 'worse', 1.0, 'because'), (NULL, 'Q', 'x', 1, NULL),
        ('c', 'R', NULL, 0.5, 'why'), ('d', 'Q', 'new', NULL, NULL), ('a', 'R', '', 1, NULL)
    ) AS {COLUMNS}"""
    told = [
        (0, "b", "unchanged", None),
        (1, "a", "accepted", None),
        (2, None, "invalid", "missing_span_id"),
        (3, "c", "unchanged", None),
        (4, "d", "accepted", None),
        (5, "a", "invalid", "label_empty"),
    ]
    assert run(ledger, sent(BEFORE), sql) == told
    assert outcomes(ledger, all_values=False) == [told[2], told[5]]
    assert ledger.counts() == {"unchanged": 2, "accepted": 2, "invalid": 2}
    assert (ledger.queue().new, ledger.queue().changed) == (1, 1)
    # As often as it is asked.
    assert outcomes(ledger, all_values=True) == told


@pytest.mark.parametrize(
    "row",
    [
        "'b', 'Q', 'bad', NULL, 'an explanation more'",
        "'b', 'Q', 'bad', 0.0, NULL",
        "'b', 'Q', 'Bad', NULL, NULL",
        "'c', 'R', NULL, 0.25, 'why'",
        "'a', 'Q', 'good', 1.0, 'because '",
    ],
)
def test_any_other_field_is_a_change(ledger: Ledger, row: str) -> None:
    run(ledger, sent(BEFORE), f"SELECT * FROM (VALUES ({row})) AS {COLUMNS}")
    assert (ledger.queue().new, ledger.queue().changed) == (0, 1)


@pytest.mark.parametrize("row", ["'a', 'Q', 'good', NULL, NULL", "'a', 'Q', NULL, 1.0, 'because'"])
def test_a_value_that_says_less_than_was_sent_is_unchanged_too(ledger: Ledger, row: str) -> None:
    sql = f"SELECT * FROM (VALUES ({row})) AS {COLUMNS}"
    assert run(ledger, sent(BEFORE), sql) == [(0, "a", "unchanged", None)]


def test_a_score_that_is_no_number_is_not_the_value_without_a_score(ledger: Ledger) -> None:
    sql = f"SELECT * FROM (VALUES ('b', 'Q', 'bad', 'none', NULL)) AS {COLUMNS}"
    assert run(ledger, sent(BEFORE), sql) == [(0, "b", "invalid", "score_not_a_number")]
    text = f"SELECT * FROM (VALUES ('c', 'R', NULL, ' 0.5', 'why')) AS {COLUMNS}"
    with Ledger() as other:
        assert run(other, sent(BEFORE), text) == [(0, "c", "unchanged", None)]


def test_values_are_found_again_behind_many_rows_without_any(ledger: Ledger) -> None:
    rows = 260_000
    sql = f"""SELECT 'span-' || n AS span_id, CASE WHEN n IN (0, {rows - 1}) THEN 'x' END AS "eval.Q.label"
        FROM range({rows}) r(n)"""
    assert run(ledger, sent(sql), sql) == [
        (row, f"span-{row}", "unchanged", None) for row in (0, rows - 1)
    ]


def test_a_repeated_value_stands_once(ledger: Ledger) -> None:
    sql = f"{BEFORE} UNION ALL {BEFORE}"
    assert run(ledger, sent(BEFORE), sql) == [
        *((row, span, "unchanged", None) for row, span in enumerate("abc")),
        *((row, span, "duplicate", "equal_duplicate") for row, span in enumerate("abc", 3)),
    ]
    assert ledger.counts() == {"unchanged": 3, "duplicate": 3, "accepted": 0, "invalid": 0}


def test_what_contradicts_a_value_that_was_sent_refuses_both_and_keeps_what_they_say(
    ledger: Ledger,
) -> None:
    sql = f"SELECT * FROM (VALUES ('a', 'Q', 'worse', 1.0, NULL)) AS {COLUMNS} UNION ALL {BEFORE}"
    assert run(ledger, sent(BEFORE), sql) == [
        (0, "a", "invalid", "conflicting_duplicate"),
        (1, "a", "invalid", "conflicting_duplicate"),
        (2, "b", "unchanged", None),
        (3, "c", "unchanged", None),
    ]
    refused = pa.concat_tables(ledger.refusals()).select(["row", "label", "score", "body"])
    assert refused.sort_by("row").to_pylist() == [
        {"row": 0, "label": "worse", "score": 1.0, "body": None},
        {"row": 1, "label": "good", "score": 1.0, "body": "because"},
    ]


def test_a_sample_of_unchanged_values_shows_what_they_say(ledger: Ledger) -> None:
    run(ledger, sent(BEFORE), BEFORE)
    sample = ledger.plan_sample(2).select(["plan", "row", "label", "body"]).to_pylist()
    assert sample == [
        {"plan": "unchanged", "row": 0, "label": "good", "body": "because"},
        {"plan": "unchanged", "row": 1, "label": "bad", "body": None},
    ]


def test_it_is_so_over_several_parts(ledger: Ledger) -> None:
    rows = 270_000
    sql = f"""SELECT 'span-' || n AS span_id, 'Q' AS name, {{}} AS label, n / 7 AS score, 'why ' || n AS explanation
        FROM range({rows}) r(n)"""
    entries = sent(sql.format("'same'"))
    now = sql.format("CASE WHEN n % 1000 = 999 THEN 'other' ELSE 'same' END")
    told = run(ledger, entries, now)
    assert [row for row, *_ in told] == list(range(rows))
    changed = [row for row, _, status, _ in told if status == "accepted"]
    assert changed == list(range(999, rows, 1_000))
    assert ledger.counts()["unchanged"] == rows - len(changed)
    assert [
        score
        for batch in ledger.outbox.to_send(0, sort=False)
        for score in batch.column("score").to_pylist()
    ] == [row / 7 for row in changed]
