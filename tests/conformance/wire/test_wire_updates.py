"""Uploads and updates: the same rows from the vendor's client and from ours."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
from tests.conformance.wire.differences import (
    METADATA_OF_PANDAS,
    NULL_TYPES,
    PATCH,
    SCORE,
    SCORE_TYPES,
    TIME_ERROR_NS,
    TIMES,
    our_patch,
)

if TYPE_CHECKING:
    from tests.conformance.wire.conftest import Both
    from tests.conformance.wire.recording import Call

MANY = 25_001
TEXT = "naïve 🦆 \"q\" 'a' \\ \n\t/\u2028"


def assert_same_rows(their: Call, our: Call) -> None:
    assert our.schema is not None
    assert their.schema is not None
    # The vendor's order of columns changes from process to process.
    assert sorted(our.schema.names) == sorted(their.schema.names)
    mine, theirs = dict(our.schema.metadata), dict(their.schema.metadata)
    theirs.pop(METADATA_OF_PANDAS)
    assert mine == theirs
    assert [batch.num_rows for batch in our.batches] == [batch.num_rows for batch in their.batches]
    for name in their.schema.names:
        assert_same_column(name, their.table[name], our.table[name])


def assert_same_column(name: str, theirs: pa.ChunkedArray, mine: pa.ChunkedArray) -> None:
    if name in TIMES:
        assert mine.type == theirs.type == pa.int64()
        pairs = zip(theirs.to_pylist(), mine.to_pylist(), strict=True)
        assert all(abs(left - right) < TIME_ERROR_NS for left, right in pairs), name
        return
    if name == PATCH:
        assert mine.to_pylist() == [our_patch(text) for text in theirs.to_pylist()]
        return
    if name.endswith(SCORE):
        assert mine.type in SCORE_TYPES, name
    elif theirs.type not in NULL_TYPES:
        assert mine.type == theirs.type, name
    assert mine.to_pylist() == theirs.to_pylist(), name


def span_ids(count: int) -> list[str]:
    return [f"span-{number:010}" for number in range(count)]


def spans(count: int, **columns: list[Any]) -> pd.DataFrame:
    start = datetime.now(UTC).replace(microsecond=123_456)
    starts = [start - timedelta(milliseconds=number) for number in range(count)]
    return pd.DataFrame(
        {
            "context.span_id": span_ids(count),
            "context.trace_id": [f"trace-{number:010}" for number in range(count)],
            "name": ["step"] * count,
            "start_time": starts,
            "end_time": [moment + timedelta(seconds=1) for moment in starts],
            **columns,
        }
    )


def evaluations(count: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "context.span_id": span_ids(count),
            "name": ["of the span"] * count,
            "eval.Quality.label": [TEXT if number % 2 else None for number in range(count)],
            "eval.Quality.score": [0.1 * number if number % 2 else None for number in range(count)],
            "eval.Quality.explanation": [
                "because" if number % 2 else None for number in range(count)
            ],
            "eval.Whole_1.score": list(range(count)),
            "eval.Flag.score": [number % 3 == 0 for number in range(count)],
            "trace_eval.Tone of voice.label": ["kind"] * count,
            "session_eval.Empty.label": [None] * count,
        }
    )


@pytest.mark.parametrize("count", [1, 3, MANY])
def test_evaluations_are_the_vendors(both: Both, addressed: dict[str, str], count: int) -> None:
    ((their, our),) = both("update_evaluations", **addressed, dataframe=evaluations(count))
    assert our.body == their.body
    assert_same_rows(their, our)
    assert our.table["eval.Whole_1.score"].type == pa.float64()


@pytest.mark.parametrize("count", [1, 3, MANY])
def test_evaluations_by_http_are_the_vendors(
    both: Both, addressed: dict[str, str], count: int
) -> None:
    ((their, our),) = both(
        "update_evaluations", **addressed, dataframe=evaluations(count), force_http=True
    )
    assert their.line == "POST /v1/pandas_arrow HTTP/1.1"
    assert our.headers["number-of-rows"] == str(count)
    assert_same_rows(their.rows, our.rows)


@pytest.mark.parametrize("count", [1, 4, MANY])
def test_uploads_are_the_vendors(both: Both, addressed: dict[str, str], count: int) -> None:
    columns: dict[str, list[Any]] = {
        "span_kind": ["LLM"] * count,
        "parent_id": [None if number % 2 else TEXT for number in range(count)],
        "status_code": [["OK", "error", "Unset", None][number % 4] for number in range(count)],
        "events": [[{"name": "e", "attributes": {"d": {"n": 1}}}], []] * (count // 2)
        + [[]] * (count % 2),
        "attributes.input.value": [TEXT] * count,
        "attributes.llm.token_count.total": list(range(count)),
        "attributes.llm.input_messages": [
            [{"message.role": "user", "message.content": TEXT, "message.tool_calls": []}]
        ]
        * count,
        "attributes.llm.prompt_template.variables": [{"a": {"b": [1, TEXT]}}] * count,
        "attributes.metadata": [{"a": {"b": TEXT}}, None, {}, {"c": 1}] * (count // 4)
        + [{"d": None}] * (count % 4),
        "attributes.retrieval.documents": [
            [{"document.id": "1", "document.metadata": {"page": 1, "tags": ["a"]}}]
        ]
        * count,
        "attributes.embedding.embeddings": [
            [{"embedding.vector": [0.1, 1e-9], "embedding.text": TEXT}]
        ]
        * count,
        "attributes.exception.escaped": [number % 2 == 0 for number in range(count)],
        "attributes.mine.flag": [True] * count,
        "attributes.mine.number": [0.1] * count,
        "attributes.mine.texts": [["a", TEXT]] * count,
        "attributes.mine.object": [{"x": 1}] * count,
        "attributes.mine.nothing": [None] * count,
    }
    frame = spans(count, **columns)
    ((their, our),) = both("log", **addressed, dataframe=frame)
    assert our.headers["number-of-rows"] == str(count)
    assert_same_rows(their.rows, our.rows)


def test_uploads_with_evaluations_are_the_vendors(both: Both, addressed: dict[str, str]) -> None:
    judged = evaluations(5).drop(columns="name").iloc[[3, 0, 2]]
    ((their, our),) = both(
        "log", **addressed, dataframe=spans(5), evals_dataframe=judged.reset_index(drop=True)
    )
    assert our.headers["number-of-rows"] == "5"
    assert_same_rows(their.rows, our.rows)


@pytest.mark.parametrize("count", [1, 2, MANY])
def test_annotations_are_the_vendors(both: Both, addressed: dict[str, str], count: int) -> None:
    by_turns = [number % 2 == 0 for number in range(count)]
    frame = pd.DataFrame(
        {
            "context.span_id": span_ids(count),
            "name": ["of the span"] * count,
            "annotation.Quality.label": ["good"] * count,
            "annotation.Quality.score": [0.5 if turn else None for turn in by_turns],
            "annotation.Quality.text": [TEXT if turn else None for turn in by_turns],
            "annotation.other 1.score": [2.5] * count,
            "annotation.other 1.updated_by": ["me" if turn else None for turn in by_turns],
            "annotation.dated.label": ["x"] * count,
            "annotation.dated.updated_at": [1_767_312_000_000] * count,
            "annotation.notes": [TEXT if turn else None for turn in by_turns],
        }
    )
    before_ms = time.time_ns() // 1_000_000
    ((their, our),) = both("update_annotations", **addressed, dataframe=frame)
    after_ms = time.time_ns() // 1_000_000
    assert our.body == their.body
    assert_same_rows(
        *(_without_now(call, before_ms=before_ms, after_ms=after_ms) for call in (their, our))
    )


def _without_now(call: Call, *, before_ms: int, after_ms: int) -> Call:
    """Return a call with 0 for the moment of the call, of which there is one."""
    moments = set(call.table["annotation.Quality.updated_at"].to_pylist())
    (moment,) = moments
    assert before_ms <= moment <= after_ms
    batches = []
    for batch in call.batches:
        columns = {name: batch.column(name) for name in batch.schema.names}
        for name in ("annotation.Quality.updated_at", "annotation.other 1.updated_at"):
            assert set(columns[name].to_pylist()) == {moment}
            columns[name] = pa.array([0] * len(batch), pa.int64())
        notes = [
            None if given is None else [_dated_zero(note, moment) for note in given]
            for given in columns["annotation.notes"].to_pylist()
        ]
        columns["annotation.notes"] = pa.array(notes, columns["annotation.notes"].type)
        arrays = [columns[name] for name in batch.schema.names]
        batches.append(pa.RecordBatch.from_arrays(arrays, schema=batch.schema))
    return type(call)(call.line, call.headers, call.body, call.schema, tuple(batches))


def _dated_zero(note: str, moment: int) -> str:
    assert json.loads(note)["updated_at"] == moment
    return note.replace(f'"updated_at": {moment}', '"updated_at": 0')


METADATA: dict[str, dict[str, list[Any]]] = {
    "columns": {
        "attributes.metadata.a": [TEXT, None, "x"],
        "attributes.metadata.n": [1, 2, 3],
        "attributes.metadata.r": [0.1, None, 1e300],
        "attributes.metadata.f": [True, False, True],
        "attributes.metadata.o": [[1, "x", None], {"a": {"b": None}}, "x"],
    },
    "patches": {
        "patch_document": [{"a": TEXT, "f": True, "z": None}, {"o": {"p": [1, None]}}, {"n": 1}]
    },
    "texts of patches": {"patch_document": ['{"a": 1}', '{"b": {"c": null}}', ' {"é":"é"}']},
    "both": {
        "attributes.metadata.a": ["x", "y", None],
        "attributes.metadata.n": [1, 2, 3],
        "patch_document": [{"a": "wins"}, '{"b": 2}', None],
    },
}


@pytest.mark.parametrize("shape", METADATA)
def test_metadata_is_the_vendors(both: Both, addressed: dict[str, str], shape: str) -> None:
    frame = pd.DataFrame({"context.span_id": span_ids(3), "name": ["s"] * 3, **METADATA[shape]})
    ((their, our),) = both("update_metadata", **addressed, dataframe=frame)
    assert our.body == their.body
    assert_same_rows(their, our)


def test_patches_of_another_column_are_the_vendors(both: Both, addressed: dict[str, str]) -> None:
    frame = pd.DataFrame({"context.span_id": span_ids(2), "mine": [{"a": 1}, {"b": TEXT}]})
    ((their, our),) = both(
        "update_metadata", **addressed, dataframe=frame, patch_document_column_name="mine"
    )
    assert our.body == their.body
    assert_same_rows(their, our)


def test_batches_of_metadata_are_the_vendors(both: Both, addressed: dict[str, str]) -> None:
    frame = pd.DataFrame({"context.span_id": span_ids(MANY), "attributes.metadata.n": range(MANY)})
    ((their, our),) = both("update_metadata", **addressed, dataframe=frame)
    assert_same_rows(their, our)
