"""What is known is told by quick numbers in many threads and parts, and by digests: to one end."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanduck._config import load_settings
from spanduck._write_back import aside, intake, known, reading, statements
from spanduck._write_back.incremental import Watermark
from spanduck._write_back.ledger import OUTCOME_SCHEMA, Ledger
from spanduck._write_back.model import Model
from spanduck._write_back.reading import read_values, shape_of

MODEL = Model(path="", sql="", project="p", kind="eval", name="m")
SETTINGS = load_settings({"api_key": "k", "space": "s"})
HASHES = ["key_high", "key_low", "label_hash", "score", "body_hash"]
SCORES: dict[str, tuple[pa.DataType, list[Any]]] = {
    "numbers": (pa.float64(), [0.0, -0.0, 0.5, 1e300, float("nan"), None]),
    "texts": (pa.string(), ["0", "0.50", " 0.5", "none", None, None]),
    "integers": (pa.int64(), [0, 1, 2**53 + 1, None]),
    "truths": (pa.bool_(), [True, False, None]),
}


# `Any`: a field is of the type of its column.
def rows_of(scores: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    row = {
        # Most are valid, for no other is ever known.
        "span_id": st.sampled_from(["a", "b", "é'\"", "a\0", "A", None]),
        "level": st.sampled_from(["span", "trace", "session", None, None, "root"]),
        "name": st.sampled_from(["Q", "Q", "q", "R 2", "a-b"]),
        "label": st.sampled_from(["x", "x", "X", "", None]),
        "score": st.sampled_from(SCORES[scores][1]),
        "explanation": st.sampled_from(["why", "", None]),
    }
    return st.lists(st.fixed_dictionaries(row), min_size=1, max_size=25)


@st.composite
def two_models(draw: st.DrawFn) -> tuple[pa.Table, pa.Table]:
    """The rows of a model, and what they are later: most of them again, others, and some twice."""
    before_scores = draw(st.sampled_from(list(SCORES)))
    scores = draw(st.sampled_from([before_scores, *SCORES]))
    before = draw(rows_of(before_scores))
    rows = draw(rows_of(scores))
    if scores == before_scores:
        rows += draw(st.lists(st.sampled_from(before), min_size=len(before), max_size=40))
        rows = draw(st.permutations(rows))
    return _table(before, before_scores), _table(rows, scores)


def _table(rows: list[dict[str, Any]], scores: str) -> pa.Table:
    texts = dict.fromkeys(("span_id", "level", "name", "label", "explanation"), pa.string())
    return pa.Table.from_pylist(rows, pa.schema({**texts, "score": SCORES[scores][0]}))


@st.composite
def small_parts(draw: st.DrawFn) -> dict[Any, dict[str, int]]:
    """Limits of everything that is done in parts, so small that a few rows meet many."""
    small = st.sampled_from([1, 2, 7, 1_000_000])
    return {
        intake: {
            name: draw(small)
            for name in ("ROW_GROUP_ROWS", "_PART_ROWS", "_UNKNOWN_ROWS", "_BUCKET_VALUES")
        },
        known: {"_PORTION": draw(small)},
        aside: {"_PART_BATCHES": draw(small)},
        reading: {"_READ_ROWS": draw(small)},
        statements: {"_PORTION_ROWS": draw(small)},
    }


def read(ledger: Ledger, model: pa.Table, *, is_looked_up: bool) -> None:
    with duckdb.connect() as con:
        query = con.from_arrow(model)
        read_values(
            query,
            shape_of(query, MODEL),
            ledger,
            Watermark(None, datetime.now(UTC)),
            settings=SETTINGS,
            stop=threading.Event(),
            is_looked_up=is_looked_up,
        )
    ledger.settle()


def written(model: pa.Table) -> pa.Table:
    """What the state keeps of a model's values."""
    with Ledger() as ledger:
        read(ledger, model, is_looked_up=False)
        ledger.compare(full=False, only_failed=False, limit=None)
        ids = [
            value_id
            for group in range(len(ledger.outbox.groups()))
            for batch in ledger.outbox.to_send(group, sort=False)
            for value_id in batch.column("value_id").to_pylist()
        ]
        return ledger.entries(pa.chunked_array([pa.array(ids, pa.int64())]))


def told(ledger: Ledger, held: pa.Table) -> dict[str, Any]:
    """Everything that a run is told by."""
    ledger.hold(held.select(HASHES))
    queue = ledger.compare(full=False, only_failed=False, limit=None)
    sent = [
        value
        for group in range(len(ledger.outbox.groups()))
        for batch in ledger.outbox.to_send(group, sort=False)
        for value in batch.drop_columns(["bucket"]).to_pylist()
    ]
    outcomes = {
        name: pa.Table.from_batches(ledger.outcomes(all_values=is_all), OUTCOME_SCHEMA).to_pylist()
        for name, is_all in (("some", False), ("all", True))
    }
    counts = {str(status): count for status, count in ledger.counts().items() if count}
    # As texts: a score that is no number is not equal to itself.
    sample, sent_text = repr(ledger.plan_sample(3).to_pylist()), repr(sent)
    return {"queue": queue, "sent": sent_text, "counts": counts, "sample": sample, **outcomes}


@settings(max_examples=15)
@given(models=two_models(), limits=small_parts(), is_numbered=st.booleans())
def test_a_run_is_told_alike_with_and_without_quick_numbers(
    models: tuple[pa.Table, pa.Table], limits: dict[Any, dict[str, int]], is_numbered: bool
) -> None:
    before, now = models
    held = written(before)

    def read_known(first: int, last: int) -> pa.Table:
        keys = np.asarray(held.column("quick_key").to_pylist(), dtype=np.uint64)
        is_asked = pa.array((keys >= np.uint64(first)) & (keys <= np.uint64(last)))
        return held.select(["quick_key", "quick_value"]).filter(is_asked)

    with Ledger() as ledger:
        read(ledger, now, is_looked_up=False)
        plain = told(ledger, held)
    with pytest.MonkeyPatch.context() as patch, Ledger() as ledger:
        for module, constants in limits.items():
            for name, value in constants.items():
                patch.setattr(module, name, value)
        ledger.expect(read_known, len(held))
        read(ledger, now, is_looked_up=is_numbered)
        assert told(ledger, held) == plain
