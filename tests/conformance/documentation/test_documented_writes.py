"""The documentation's examples of uploading, evaluating, annotating and deleting."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.documentation.conftest import Reader

    MakeSpans = Callable[..., pd.DataFrame]


def span_ids(*numbers: int) -> list[str]:
    return [f"span-{number:010}" for number in numbers]


@pytest.fixture
def filled(reader: Reader, make_spans: MakeSpans) -> Reader:
    """Somebody whose project holds three spans."""
    reader.client.log(make_spans(3))
    return reader


def messages(row: dict[str, Any], column: str) -> list[dict[str, Any]]:
    # On the wire each message is a JSON text.
    return [json.loads(message) for message in row[column]]


def test_a_span_is_logged_with_its_evaluation(
    reader: Reader, capsys: pytest.CaptureFixture[str]
) -> None:
    reader.run("log")
    assert capsys.readouterr().out == "Logged spans successfully: 200\n"
    (row,) = reader.client.export().to_pylist()
    expected = {
        "context.span_id": span_ids(1)[0],
        "context.trace_id": "trace-0000000001",
        "name": "llm_call",
        "attributes.openinference.span.kind": "LLM",
        "latency_ms": 2000.0,
        "attributes.llm.model_name": "gpt-4",
        "eval.Correctness.label": "correct",
        "eval.Correctness.score": 1.0,
        "eval.Correctness.explanation": "The model's response was accurate.",
    }
    assert {name: row[name] for name in expected} == expected
    start = pd.Timestamp(row["start_time"], tz="UTC")
    assert start.isoformat() == f"{reader.stand_ins['day']}T10:00:00+00:00"
    (asked,) = messages(row, "attributes.llm.input_messages")
    (answered,) = messages(row, "attributes.llm.output_messages")
    assert (asked["message.content"], answered["message.content"]) == ("Why?", "So.")


def test_spans_are_logged_without_evaluations(reader: Reader) -> None:
    reader.run("log")
    # So that the upload is the second block's.
    reader.names["spans_df"]["context.span_id"] = span_ids(2)
    reader.run("log spans only")
    rows = reader.spans()
    assert sorted(rows) == span_ids(1, 2)
    labels = [rows[id_]["eval.Correctness.label"] for id_ in span_ids(1, 2)]
    assert labels == ["correct", None]


def test_evaluations_of_logged_spans_are_updated(
    filled: Reader, capsys: pytest.CaptureFixture[str]
) -> None:
    filled.run("update evaluations")
    assert capsys.readouterr().out == "Updated evaluations successfully\n"
    rows = filled.spans()
    columns = [f"eval.Relevance.{field}" for field in ("label", "score", "explanation")]
    assert [[rows[id_][column] for column in columns] for id_ in span_ids(0, 1, 2)] == [
        [None, None, None],
        ["relevant", 0.95, "The response directly answers the question."],
        ["not_relevant", 0.2, "The model's response was not relevant."],
    ]


class Judge:
    """An evaluator: the later the span, the better."""

    def __init__(self) -> None:
        self.calls = 0

    async def evaluate(self, trace: Any) -> float:
        self.calls += 1
        await asyncio.sleep(0)
        return span_ids(0, 1, 2).index(trace.context.span_id) / 2


def judge_recent_traces(reader: Reader) -> None:
    """Run the batch pattern with what it leaves to its reader: where traces come from, a judge."""
    client, judge = reader.client, Judge()
    reader.names.update(
        pd=pd,
        llm_judge=judge,
        fetch_recent_traces=lambda: (
            client.spans.list(project=client.project, space=client.space).spans
        ),
    )
    reader.run("batch evaluation")
    asyncio.run(reader.names["evaluate_traces"]())
    assert judge.calls == 3


def test_a_batch_of_judged_traces_is_written(
    filled: Reader, request: pytest.FixtureRequest
) -> None:
    if filled.client.name != "spanduck":
        reason = "the vendor's clients drop columns that are not called eval.<name>.<field>"
        request.applymarker(pytest.mark.xfail(raises=AssertionError, reason=reason))
    judge_recent_traces(filled)
    rows = filled.spans()
    scores = {id_: row.get("eval.Quality.score") for id_, row in rows.items()}
    assert scores == dict(zip(span_ids(0, 1, 2), [0.0, 0.5, 1.0], strict=True))


def test_a_span_is_annotated_by_its_id(reader: Reader, make_spans: MakeSpans) -> None:
    spans = make_spans(2)
    spans.loc[1, "context.span_id"] = "your-span-id"
    reader.client.log(spans)
    reader.run("annotate")
    rows = reader.spans()
    columns = ("accuracy.label", "accuracy.score", "accuracy.text", "notes.label", "notes.text")
    said = {id_: [row.get(f"annotation.{name}") for name in columns] for id_, row in rows.items()}
    assert said == {
        span_ids(0)[0]: [None] * 5,
        "your-span-id": ["correct", 1.0, None, None, "Verified by reviewer"],
    }


def test_annotations_of_logged_spans_are_updated(
    filled: Reader, capsys: pytest.CaptureFixture[str]
) -> None:
    filled.run("update annotations")
    assert capsys.readouterr().out == "Updated annotations successfully\n"
    client = filled.client
    page = client.spans.list(project=client.project, space=client.space)
    said = {
        span.context.span_id: [(a.name, a.label, a.score, a.text) for a in span.annotations]
        for span in page.spans
    }
    assert said == {
        span_ids(0)[0]: [],
        span_ids(1)[0]: [("Quality", "correct", 1.0, "Verified by human reviewer")],
        span_ids(2)[0]: [],
    }


def told(reader: Reader) -> list[list[str]] | None:
    """Return which spans the last deletion named as deleted and as not deleted, if it named any."""
    result = reader.names["result"]
    return result and [list(result.deleted_span_ids), list(result.not_deleted_span_ids)]


def test_spans_are_deleted_by_their_ids(filled: Reader, capsys: pytest.CaptureFixture[str]) -> None:
    names_none = filled.client.name == "vendor 8.30"
    filled.run("delete")
    assert capsys.readouterr().out == "All requested spans deleted\n"
    assert told(filled) == (None if names_none else [span_ids(1, 2), []])
    assert list(filled.spans()) == span_ids(0)
    # Ids that are not there are ignored.
    filled.run("delete")
    assert capsys.readouterr().out == "All requested spans deleted\n"
    assert told(filled) == (None if names_none else [[], span_ids(1, 2)])
