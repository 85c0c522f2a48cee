from __future__ import annotations

import json
from functools import partial
from typing import Any

import pyarrow as pa
import pytest

from spanduck._upload.problems import Problems
from spanduck._upload.values.check import ValueChecks
from spanduck._upload.values.columns import note_unknown, read_frame
from spanduck._upload.values.kinds import ANNOTATIONS
from spanduck._upload.values.wide import WideFrame
from spanduck.exceptions import ValidationError

NOW_MS = 1_795_368_277_072
NOTES = pa.list_(pa.string())


def frame(schema: pa.Schema) -> WideFrame:
    problems = Problems("dataframe")
    unknown = partial(_note_unknown, problems, list(schema.names))
    found = read_frame(schema, ANNOTATIONS, problems, on_unknown=unknown)
    problems.raise_if_any()
    assert isinstance(found, WideFrame)
    return found


def _note_unknown(problems: Problems, names: list[str], name: str) -> None:
    note_unknown(ANNOTATIONS, problems, name, names)


def sent(**columns: Any) -> pa.RecordBatch:
    given = {name.replace("__", "."): values for name, values in columns.items()}
    batch = pa.record_batch({"span_id": [f"s{at}" for at in range(3)], **given})
    problems = Problems("dataframe")
    found = frame(batch.schema)
    made = found.sent(batch, NOW_MS)
    found.check(made, 0, ValueChecks(ANNOTATIONS, problems, NOW_MS))
    problems.raise_if_any()
    return made


def test_who_and_when_are_added_where_the_frame_does_not_tell() -> None:
    batch = sent(annotation__Q__label=["a", None, "b"], annotation__Q__updated_by=["x"] * 3)
    assert batch.to_pydict() == {
        "annotation.Q.label": ["a", None, "b"],
        "annotation.Q.updated_by": ["x"] * 3,
        "annotation.Q.updated_at": [NOW_MS] * 3,
        "context.span_id": ["s0", "s1", "s2"],
    }


def test_they_are_not_added_to_nothing() -> None:
    assert "annotation.Q.updated_at" not in sent(annotation__Q__updated_by=["x"] * 3).schema.names


def test_notes_are_wrapped_one_by_one() -> None:
    notes = ['naïve "x" \', \n', None, ""]
    batch = sent(annotation__notes=notes)
    column = batch.column("annotation.notes")
    assert column.type == NOTES
    rest = {"updated_by": "SDK", "updated_at": NOW_MS}
    assert column.to_pylist() == [
        None if note is None else [json.dumps({"text": note, **rest})] for note in notes
    ]


def test_notes_of_a_slice_are_its_own() -> None:
    batch = pa.record_batch(
        {"span_id": list("abcd"), "annotation.notes": ["1", None, "3", None]}
    ).slice(1, 3)
    made = frame(batch.schema).sent(batch, NOW_MS)
    texts = [note and json.loads(note[0])["text"] for note in made["annotation.notes"].to_pylist()]
    assert texts == [None, "3", None]
    none = sent(annotation__notes=pa.nulls(3))
    assert none.column("annotation.notes").to_pylist() == [None] * 3


def test_numbers_become_scores_and_times() -> None:
    batch = sent(
        annotation__Q__score=[1.0, float("nan"), 0.5],
        annotation__Q__updated_at=[float(NOW_MS), float("nan"), 1.0],
    )
    assert batch.column("annotation.Q.score").to_pylist() == [1.0, None, 0.5]
    assert batch.column("annotation.Q.updated_at").to_pylist() == [NOW_MS, None, 1]
    moments = pa.array([1_700_000_000_123_456_789] * 3, pa.timestamp("ns", tz="UTC"))
    times = sent(annotation__Q__score=[1, 2, 3], annotation__Q__updated_at=moments)
    assert times.column("annotation.Q.updated_at").to_pylist() == [1_700_000_000_123] * 3


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["span_id"], "no column of an annotation"),
        (["annotation.Q.label"], r"context\.span_id: the column is missing"),
        (["span_id", "annotation.Q.label", "score"], "score: the column belongs to the long shape"),
        (["span_id", "annotation.Q.labl"], r"Did you mean 'annotation\.Q\.label'"),
        (["span_id", "annotation.a-b.label"], "the name of the annotation cannot be sent"),
        (["span_id", "annotation.Q.label", "annotation.Q.label"], "there twice"),
    ],
)
def test_wrong_columns_are_named(names: list[str], message: str) -> None:
    schema = pa.schema([(name, pa.string()) for name in names])
    with pytest.raises(ValidationError, match=message):
        frame(schema)


def test_other_columns_of_spans_are_left_out() -> None:
    batch = sent(annotation__Q__label=["a"] * 3, name=["n"] * 3, eval__R__label=["x"] * 3)
    assert "name" not in batch.schema.names
    assert "eval.R.label" not in batch.schema.names


def test_an_annotation_that_is_null_in_every_batch_is_a_problem() -> None:
    batch = pa.record_batch({"span_id": ["a"], "annotation.Q.label": pa.nulls(1, pa.string())})
    problems, found = Problems("dataframe"), frame(batch.schema)
    checks = ValueChecks(ANNOTATIONS, problems, NOW_MS)
    found.check(found.sent(batch, NOW_MS), 0, checks)
    checks.finish()
    with pytest.raises(ValidationError, match="null in every row"):
        problems.raise_if_any()
