"""What is queued, and what the state is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

from spanduck._write_back.configs import Config
from spanduck._write_back.kinds import KIND_BY_WORD
from spanduck._write_back.ledger import HASHED_SCHEMA, Ledger
from spanduck._write_back.shape import model_shape
from spanduck._write_back.values import values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HELD = pa.schema(
    [
        *((name, pa.string()) for name in ("span_id", "level", "name", "label")),
        ("score", pa.float64()),
        ("body", pa.string()),
    ]
)


@pytest.fixture
def make() -> Iterator[Callable[..., Ledger]]:
    """Make a ledger of the rows of a model, as it is after `settle`."""
    made = []

    def fill(sql: str, kind: str = "eval", **more: Any) -> Ledger:
        ledger = Ledger(KIND_BY_WORD[kind], **more)
        made.append(ledger)
        with duckdb.connect() as con:
            query = con.sql(sql)
            types = [str(type_) for type_ in query.types]
            shape = model_shape(query.columns, types, kind=kind)
            for batch in query.to_arrow_reader(2_048):
                ledger.add(values_of(batch, shape, first_row=0))
        ledger.settle()
        return ledger

    yield fill
    for ledger in made:
        ledger.close()


def hold(ledger: Ledger, *values: tuple[Any, ...]) -> None:
    """Say what the service holds: span_id, name, label, score, body."""
    rows = [dict(zip(HELD.names, (v[0], "span", *v[1:]), strict=True)) for v in values]
    ledger.hold(ledger.hashed(pa.Table.from_pylist(rows, schema=HELD).to_batches()))


def compared(ledger: Ledger, **options: Any) -> dict[str, int]:
    given = {"full": False, "only_failed": False, "limit": None, **options}
    queue = ledger.compare(**given)
    told = {"new": queue.new, "changed": queue.changed, **ledger.counts()}
    return {name: number for name, number in told.items() if number and name != "accepted"}


VALUES = """
SELECT 's' AS span_id, 'Q' AS name, * FROM (VALUES ({})) AS t(label, score, explanation)
"""


@pytest.mark.parametrize(
    ("value", "held", "expected"),
    [
        ("'x', 0.5, 'why'", ("x", 0.5, "why"), "unchanged"),
        ("'x', 0.5, 'why'", ("x", 0.5, "but"), "changed"),
        ("'x', 0.5, 'why'", ("y", 0.5, "why"), "changed"),
        ("'x', 0.5, 'why'", ("x", 0.25, "why"), "changed"),
        ("'x', NULL, NULL", ("x", 0.5, "why"), "unchanged"),
        ("NULL, 0.5, NULL", ("x", 0.5, "why"), "unchanged"),
        ("'x', 0.5, NULL", ("x", None, None), "changed"),
        ("'x', NULL, ''", ("x", None, None), "changed"),
        ("'x', -0.0, NULL", ("x", 0.0, None), "unchanged"),
        ("'x', 0.1::FLOAT, NULL", ("x", 0.1, None), "changed"),
    ],
)
def test_a_value_is_compared_field_by_field(
    make: Any, value: str, held: tuple[Any, ...], expected: str
) -> None:
    ledger = make(VALUES.format(value))
    hold(ledger, ("s", "Q", *held))
    assert compared(ledger) == {expected: 1}


def test_what_is_held_under_another_name_span_or_level_is_not_meant(make: Any) -> None:
    ledger = make(VALUES.format("'x', 0.5, NULL"))
    hold(ledger, ("s", "q", "x", 0.5, None), ("t", "Q", "x", 0.5, None), ("sQ", "", "x", 0.5, None))
    trace = {"span_id": "s", "level": "trace", "name": "Q", "label": "x", "score": 0.5}
    ledger.hold(ledger.hashed(pa.Table.from_pylist([trace], schema=HELD).to_batches()))
    assert compared(ledger) == {"new": 1}


def test_everything_is_queued_where_all_is_asked_for(make: Any) -> None:
    ledger = make(VALUES.format("'x', 0.5, NULL"))
    hold(ledger, ("s", "Q", "x", 0.5, None))
    assert compared(ledger, full=True) == {"changed": 1}


def test_any_note_of_a_span_is_the_one_that_is_written(make: Any) -> None:
    ledger = make("""SELECT 's' AS span_id, 'second' AS "annotation.notes" """, "annotation")
    notes = [("s", "annotation.notes", None, None, text) for text in ("first", "second", "third")]
    hold(ledger, *notes)
    assert compared(ledger) == {"unchanged": 1}


FIVE = "SELECT 's' || i AS span_id, 'Q' AS name, 'x' AS label FROM range(5) AS t(i)"


@pytest.mark.parametrize("limit", [0, 1, 4, 5, 9])
def test_a_limit_takes_the_first_values_that_differ(make: Any, limit: int) -> None:
    ledger = make(FIVE)
    hold(ledger, ("s0", "Q", "x", None, None))
    sent = min(limit, 4)
    counted = {"new": sent, "unchanged": 1, "left": 4 - sent}
    assert compared(ledger, limit=limit) == {k: v for k, v in counted.items() if v}
    queued = [
        v for batch in ledger.outbox.to_send(0, sort=False) for v in batch["span_id"].to_pylist()
    ]
    assert sorted(queued) == [f"s{number}" for number in range(1, sent + 1)]


def test_only_what_failed_before_is_queued_and_only_where_it_differs(make: Any) -> None:
    ledger = make(FIVE)
    hold(ledger, ("s0", "Q", "x", None, None))
    other = make(FIVE + " WHERE i < 2 UNION ALL SELECT 'gone', 'Q', 'x'")
    compared(other)
    ids = pa.chunked_array([pa.array([0, 1, 2])])
    ledger.fail_before(other.entries(ids).select(["key_high", "key_low"]))
    assert compared(ledger, only_failed=True) == {"new": 1, "unchanged": 1, "left": 3}


def test_many_values_are_compared_in_parts_that_lose_none(make: Any) -> None:
    rows = 320_000
    sql = f"SELECT 's' || i AS span_id, 'Q' AS name, 'x' AS label FROM range({rows}) AS t(i)"
    ledger = make(sql)
    batch = pa.table(
        {
            "span_id": [f"s{number}" for number in range(0, rows, 2)],
            "level": ["span"] * (rows // 2),
            "name": ["Q"] * (rows // 2),
            "label": ["x"] * (rows // 4) + ["y"] * (rows // 4),
            "score": pa.nulls(rows // 2, pa.float64()),
            "body": pa.nulls(rows // 2, pa.string()),
        }
    )
    ledger.hold(ledger.hashed(batch.to_batches()))
    quarter = rows // 4
    assert compared(ledger) == {"new": rows // 2, "changed": quarter, "unchanged": quarter}


CONFIGS = (
    Config("Stars", minimum=1, maximum=5),
    Config("Floor", minimum=0),
    Config("Ceiling", maximum=1),
    Config("Tone", labels=("kind", "rude")),
    *(Config(f"Other{number}") for number in range(100)),
)


@pytest.mark.parametrize(
    ("name", "label", "score", "code", "reason"),
    [
        ("Stars", None, 1, None, None),
        ("Stars", "any", 5, None, None),
        ("Stars", None, 5.1, "score_out_of_range", "takes 1.0 to 5.0"),
        ("Stars", None, 0, "score_out_of_range", "score is 0.0; the annotation config takes"),
        ("Floor", None, -1, "score_out_of_range", "takes at least 0.0"),
        ("Floor", None, 99, None, None),
        ("Ceiling", None, 2, "score_out_of_range", "takes at most 1.0"),
        ("Tone", "kind", None, None, None),
        ("Tone", "Kind", None, "label_not_in_config", "has kind, rude"),
        ("Tone", None, 17, None, None),
        ("tone", "Kind", None, None, None),
    ],
)
def test_an_annotation_is_what_its_config_allows(
    make: Any, *, name: str, label: str | None, score: float | None, code: str, reason: str
) -> None:
    said = f"'{label}'" if label else "NULL::VARCHAR"
    number = "NULL" if score is None else score
    sql = f"SELECT 's' AS span_id, '{name}' AS name, {said} AS label, {number}::DOUBLE AS score"
    ledger = make(sql, "annotation", configs=CONFIGS)
    (outcome,) = [o for batch in ledger.outcomes(all_values=True) for o in batch.to_pylist()]
    assert outcome["error_code"] == code
    assert (outcome["reason"] is None) if reason is None else (reason in outcome["reason"])


def test_values_keep_their_order_beside_many_configs(make: Any) -> None:
    names = ["Tone", "b", "Stars", "a", "Other7", "c", "Tone2"]
    rows = ", ".join(f"('s', '{name}', 'kind')" for name in names)
    ledger = make(
        f"SELECT * FROM (VALUES {rows}) AS t(span_id, name, label)", "annotation", configs=CONFIGS
    )
    outcomes = [o for batch in ledger.outcomes(all_values=True) for o in batch.to_pylist()]
    assert [outcome["name"] for outcome in outcomes] == names


def test_nothing_held_is_nothing_hashed(make: Any) -> None:
    ledger = make(FIVE)
    assert ledger.hashed([]).schema == HASHED_SCHEMA
    assert compared(ledger) == {"new": 5}
