from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from spanduck._upload.evaluations import EvaluationColumns
from spanduck.exceptions import ValidationError


def columns(values: dict[str, Any], *, validate: bool = True) -> EvaluationColumns:
    return EvaluationColumns(pa.table(values).to_reader(), validate=validate)


def spans(*ids: str | None) -> pa.RecordBatch:
    lists = pa.array([["x"]] * len(ids))
    return pa.record_batch({"context.span_id": pa.array(ids, pa.string()), "events": lists})


def test_a_span_gets_its_evaluation_and_others_null() -> None:
    made = columns({"context.span_id": ["b", "c"], "eval.Q.score": [0.5, 1.0], "note": ["x", "y"]})
    joined = made.join(spans("a", "b", None, "b"))
    assert joined.schema.names == ["context.span_id", "events", "eval.Q.score"]
    assert joined.column("eval.Q.score").to_pylist() == [None, 0.5, None, 0.5]
    assert joined.schema == made.schema(spans("a").schema)
    assert made.dropped == ["note"]
    assert made.unmatched().to_pylist() == ["c"]
    assert made.matched_count() == 1


def test_matches_are_remembered_over_batches() -> None:
    made = columns({"context.span_id": ["a", "b", "c"], "eval.Q.label": ["x", None, "z"]})
    made.join(spans("c"))
    made.join(spans("a", "b"))
    assert made.unmatched().to_pylist() == []
    assert made.matched_count() == 2


def test_one_evaluation_counts_once_however_many_fields_it_has() -> None:
    made = columns(
        {
            "context.span_id": ["a"],
            "eval.Q.label": ["x"],
            "eval.Q.score": [1],
            "trace_eval.Q.label": ["x"],
            "eval.R.label": pa.array([None], pa.string()),
        }
    )
    made.join(spans("a"))
    assert made.matched_count() == 2


def test_without_validation_several_rows_of_a_span_repeat_it() -> None:
    given = {"context.span_id": ["a", "b", "a"], "eval.Q.score": [1, 2, 3]}
    with pytest.raises(ValidationError, match="more than one row"):
        columns(given)
    joined = columns(given, validate=False).join(spans("b", "a", "c"))
    assert joined.column("context.span_id").to_pylist() == ["b", "a", "a", "c"]
    assert joined.column("eval.Q.score").to_pylist() == [2, 1, 3, None]
    assert joined.column("events").to_pylist() == [["x"]] * 4


def test_an_evaluation_without_span_ids_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"context\.span_id: the column is missing"):
        columns({"span": ["a"], "eval.Q.score": [1]}, validate=False)


def test_rows_of_one_evaluation_each_become_columns() -> None:
    made = columns(
        {
            "span_id": ["b", "a", "b", "b", "z"],
            "name": ["Q", "Q", "R", "Q", "Q"],
            "score": [1, 2, 3, 1, 4],
            "level": [None, None, "trace", "span", None],
            "note": ["x"] * 5,
        }
    )
    joined = made.join(spans("a", "b", "c"))
    assert joined.select(["eval.Q.score", "trace_eval.R.score"]).to_pylist() == [
        {"eval.Q.score": 2.0, "trace_eval.R.score": None},
        {"eval.Q.score": 1.0, "trace_eval.R.score": 3.0},
        {"eval.Q.score": None, "trace_eval.R.score": None},
    ]
    assert made.dropped == ["note"]
    assert made.unmatched().to_pylist() == ["z"]
    assert made.matched_count() == 3


def test_rows_that_contradict_each_other_are_both_named() -> None:
    rows = {"span_id": ["a", "b", "a"], "name": ["Q"] * 3, "score": [1, 1, 2]}
    with pytest.raises(ValidationError, match="name, row 2: row 0 gives this evaluation"):
        columns(rows)
    joined = columns(rows, validate=False).join(spans("a"))
    assert joined.column("eval.Q.score").to_pylist() == [1.0, 2.0]


def test_rows_without_values_leave_nothing_to_join() -> None:
    made = columns({"span_id": ["a"], "name": ["Q"], "score": pa.nulls(1, pa.float64())})
    assert made.join(spans("a")).schema.names == ["context.span_id", "events"]
    assert made.matched_count() == 0
