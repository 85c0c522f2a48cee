"""The same frame, uploaded by the vendor's SDK and by ours: the same request but for who sends it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.conformance.wire.recording import SPACE

if TYPE_CHECKING:
    from tests.conformance.wire.conftest import Both

REAL = Path(__file__).parents[4] / "shared" / "data" / "real"
NOW = datetime.now(UTC).replace(microsecond=123_456)


def upload(both: Both, **arguments: Any) -> tuple[pa.Table, pa.Table]:
    """Return what the vendor's SDK sent, and what ours did."""
    ((their, our),) = both("log", space_id=SPACE, project_name="my-llm-app", **arguments)
    theirs, mine = their.rows.table, our.rows.table
    assert mine.schema.metadata[b"arize-schema"] == theirs.schema.metadata[b"arize-schema"]
    return theirs, mine


def assert_equal(theirs: pa.Table, mine: pa.Table, *, exact_text: bool = True) -> None:
    assert sorted(mine.column_names) == sorted(theirs.column_names)
    for name in theirs.column_names:
        expected, actual = theirs.column(name), mine.column(name)
        left, right = expected.to_pylist(), actual.to_pylist()
        if name in ("start_time", "end_time"):
            # The vendor's pass through floats, and are off by less than a microsecond.
            assert actual.type == expected.type == pa.int64()
            assert all(abs(a - b) < 1_000 for a, b in zip(left, right, strict=True)), name
            continue
        if not exact_text:
            left, right = decoded(left), decoded(right)
        assert right == left, name
        if left != [None] * len(left) and left != [[]] * len(left):
            assert actual.type == expected.type, name


def decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if isinstance(value, dict):
        return {key: decoded(item) for key, item in value.items()}
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            return decoded(json.loads(value))
        except ValueError:
            return value
    return value


def span(number: int, **values: Any) -> dict[str, Any]:
    start = NOW - timedelta(seconds=number)
    return {
        "context.span_id": f"span-{number:012d}",
        "context.trace_id": f"trace-{number:012d}",
        "name": f"call {number}",
        "start_time": start,
        "end_time": start + timedelta(milliseconds=1500),
        **values,
    }


MESSAGE = {
    "message.role": "user",
    "message.content": 'say "hi"\n\u2028 é',
    "message.tool_calls": [
        {"tool_call.function.name": "f", "tool_call.function.arguments": '{"a": 1}'}
    ],
}
DOCUMENT = {
    "document.id": "1",
    "document.content": "text",
    "document.metadata": {"page": 1, "tags": ["a", "b"]},
}


def every_kind(number: int) -> dict[str, Any]:
    """A span with a column of every kind, some of them without a value in some rows."""
    event = {"name": "e", "timestamp": "2026-01-01", "attributes": {"n": number, "d": {"z": 1}}}
    metadata = {"k": number, "deep": {"a": {"b": {"c": "ü"}}}, "n": None}
    attributes = {
        "llm.input_messages": [MESSAGE],
        "llm.output_messages": None if number % 3 else [{"message.role": "x"}],
        "llm.invocation_parameters": '{"temperature": 0.5}',
        "llm.prompt_template.variables": {"a": 1, "d": {"z": {"y": [1, {}]}}},
        "metadata": metadata if number % 4 else None,
        "retrieval.documents": [DOCUMENT],
        "embedding.embeddings": [{"embedding.vector": [0.1, 1e-9, 3.0], "embedding.text": "t"}],
        "llm.token_count.total": number,
        "exception.escaped": bool(number % 2),
        "custom.text": f"v{number}",
        "custom.list": ["a", "b"],
        "custom.number": number / 3,
        "custom.flag": True,
        "custom.struct": {"x": number},
        "custom.none": None,
    }
    return span(
        number,
        span_kind="LLM",
        parent_id=None if number % 2 else f"span-{number + 1:012d}",
        status_code=["OK", "error", "Unset", None][number % 4],
        status_message="größer 🦆" if number % 3 else None,
        events=[event] if number % 2 else [],
        **{f"attributes.{name}": value for name, value in attributes.items()},
    )


def test_every_kind_of_column(both: Both) -> None:
    frame = pd.DataFrame([every_kind(number) for number in range(9)])
    assert_equal(*upload(both, dataframe=frame))


def test_numpy_values_inside_dictionaries(both: Both) -> None:
    frame = pd.DataFrame([span(1)])
    vector = np.array([0.5, 1.5])
    cells: list[Any] = [np.array([{"embedding.vector": vector, "embedding.text": "t"}])]
    frame["attributes.embedding.embeddings"] = cells
    assert_equal(*upload(both, dataframe=frame))


@pytest.mark.parametrize(
    "times",
    [
        ["2026-09-15T10:00:00Z", "2026-09-15T10:00:01.123456+02:00"],
        ["2026-09-15T10:00:00", "2026-09-15 10:00:01.5"],
        [NOW, NOW + timedelta(seconds=1)],
        [pd.Timestamp(NOW), pd.Timestamp(NOW) + pd.Timedelta(5, "us")],
        [1_790_000_000_123_456_789, 1_790_000_001_000_000_000],
        ["2026-09-15T10:00:00Z", NOW],
    ],
    ids=["iso", "naive", "datetime", "timestamp", "nanoseconds", "mixed"],
)
def test_times_of_every_sort(both: Both, times: list[Any]) -> None:
    frame = pd.DataFrame([span(1), span(2)])
    frame["start_time"] = pd.Series(times, dtype=None if isinstance(times[0], str) else object)
    frame["end_time"] = frame["start_time"]
    assert_equal(*upload(both, dataframe=frame))


def test_times_of_a_format_of_ones_own(both: Both) -> None:
    frame = pd.DataFrame([span(1, start_time="15/09/2026 10:00", end_time="15/09/2026 10:01")])
    assert_equal(*upload(both, dataframe=frame, datetime_format="%d/%m/%Y %H:%M"))


def test_evaluations_are_joined_to_their_spans(both: Both) -> None:
    frame = pd.DataFrame([span(number) for number in range(5)])
    evaluations = pd.DataFrame(
        {
            "context.span_id": [f"span-{number:012d}" for number in (3, 0, 2)],
            "eval.Relevance.label": ["good", None, "bad"],
            "eval.Relevance.score": [1.0, 0.5, None],
            "eval.Relevance.explanation": ["because", None, "x"],
            "trace_eval.Tone of voice.label": ["kind", "kind", None],
        }
    )
    assert_equal(*upload(both, dataframe=frame, evals_dataframe=evaluations))


def test_an_index_that_holds_the_span_ids_becomes_a_column(both: Both) -> None:
    frame = pd.DataFrame([span(number) for number in range(3)]).set_index("context.span_id")
    assert_equal(*upload(both, dataframe=frame))


def test_a_filtered_frame_keeps_its_rows(both: Both) -> None:
    frame = pd.DataFrame([span(number) for number in range(6)])
    frame = frame[frame["name"] > "call 2"]
    assert_equal(*upload(both, dataframe=frame))


def test_both_names_of_the_kind_are_sent_where_both_are_given(both: Both) -> None:
    frame = pd.DataFrame(
        [span(1, span_kind="LLM", **{"attributes.openinference.span.kind": "CHAIN"})]
    )
    assert_equal(*upload(both, dataframe=frame))


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the real spans are not at {REAL}")
def test_real_spans_read_by_pandas_and_by_arrow(both: Both) -> None:
    frame = pd.read_parquet(REAL / "spans_data.parquet")
    shift = pd.Timestamp(NOW).tz_convert("UTC") - frame["start_time"].max()
    for name in ("start_time", "end_time"):
        frame[name] = frame[name] + shift
    frame["name"] = frame["name"].str.slice(0, 50)
    theirs, mine = upload(both, dataframe=frame, validate=False)
    assert_equal(theirs, mine)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    both.ours.log(space_id=SPACE, project_name="p", dataframe=table, validate=False)
    (call,) = both.log.take()
    streamed = call.rows.table
    assert_equal(theirs, streamed, exact_text=False)
