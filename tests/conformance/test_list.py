"""Lists of spans, through the vendor's client and ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from arize.spans.types import AnnotateRecordInput, AnnotationInput, RecordGranularity
from tests.conformance.clients import vendor_client

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from tests.conformance.clients import Client


def ids(page: Any) -> list[str]:
    return [span.context.span_id for span in page.spans]


@pytest.fixture
def filled(client: Client, make_spans: Callable[..., pd.DataFrame]) -> Client:
    """A client whose project has 12 spans with attributes, events and evaluations."""
    import pandas as pd

    spans = make_spans(
        12,
        **{
            "attributes.llm.model_name": ["gpt-4o", "claude"] * 6,
            "attributes.llm.token_count.total": list(range(12)),
            "attributes.llm.input_messages": [
                [{"message.role": "user", "message.content": f"question {n}"}] for n in range(12)
            ],
            "attributes.metadata": [{"n": n, "tags": ["a", "b"]} for n in range(12)],
            "events": [
                [
                    {
                        "name": "started",
                        "timestamp": "2026-01-02T03:04:05.000006Z",
                        "attributes": {"k": n},
                    }
                ]
                for n in range(12)
            ],
        },
    )
    evaluations = pd.DataFrame(
        {
            "context.span_id": spans["context.span_id"],
            "eval.Quality.label": ["good", "bad"] * 6,
            "eval.Quality.score": [1.0, 0.25] * 6,
        }
    )
    client.log(spans, evaluations)
    return client


def test_spans_come_newest_first_with_typed_fields(filled: Client, noon: datetime) -> None:
    page = filled.list()
    assert ids(page) == [f"span-{n:010}" for n in reversed(range(12))]
    assert not page.pagination.has_more
    assert page.pagination.next_cursor is None
    span = page.spans[-2]
    start = noon + timedelta(seconds=1, microseconds=123_456)
    assert (span.name, str(getattr(span.kind, "value", span.kind))) == ("step 1", "LLM")
    assert (span.context.trace_id, span.parent_id) == ("trace-0000000000", "span-0000000000")
    assert (span.start_time, span.end_time) == (start, start + timedelta(seconds=1.5))
    assert str(getattr(span.status_code, "value", span.status_code)) == "ERROR"
    assert span.attributes == {
        "openinference.span.kind": "LLM",
        "llm.model_name": "claude",
        "llm.token_count.total": 1,
        "llm.input_messages": [{"message.role": "user", "message.content": "question 1"}],
        "metadata": {"n": 1, "tags": ["a", "b"]},
    }
    (evaluation,) = span.evaluations
    assert (evaluation.name, evaluation.label, evaluation.score) == ("Quality", "bad", 0.25)
    (event,) = span.events
    assert event.name == "started"
    assert event.timestamp == datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert event.attributes == {"k": 1}
    assert list(span.annotations) == []


def test_pages_are_walked_by_cursor(filled: Client) -> None:
    found: list[str] = []
    cursor = None
    while True:
        page = filled.list(limit=5, cursor=cursor)
        found += ids(page)
        cursor = page.pagination.next_cursor
        if not cursor:
            break
    assert found == [f"span-{n:010}" for n in reversed(range(12))]


def test_a_page_is_as_long_as_the_client_asks_for(
    client: Client, make_spans: Callable[..., pd.DataFrame]
) -> None:
    client.log(make_spans(101))
    assert len(client.list().spans) == client.kind.page_spans
    assert len(client.list(limit=7).spans) == 7


def test_the_documented_filters_select(filled: Client) -> None:
    wanted = {
        "status_code = 'ERROR'": 4,
        "eval.Quality.label = 'good'": 6,
        "latency_ms > 1000": 12,
        "latency_ms > 1789": 0,
        "status_code = 'ERROR' AND eval.Quality.label = 'good'": 2,
        "status_code = 'ERROR' OR eval.Quality.label = 'good'": 8,
        "span_kind = 'LLM'": 4,
        "annotation.Quality.label = 'good'": 0,
    }
    found = {text: len(filled.list(filter=text).spans) for text in wanted}
    assert found == wanted


def test_columns_are_chosen_and_texts_are_cut(filled: Client) -> None:
    span = filled.list(included_columns=["attributes.llm.model_name"]).spans[0]
    assert span.attributes == {"llm.model_name": "claude"}
    assert list(span.evaluations) == []
    excluded = ["attributes.metadata", "attributes.llm.input_messages", "eval.Quality.label"]
    span = filled.list(excluded_columns=excluded).spans[0]
    assert set(span.attributes) == {
        "openinference.span.kind",
        "llm.model_name",
        "llm.token_count.total",
    }
    assert [(e.label, e.score) for e in span.evaluations] == [(None, 0.25)]
    span = filled.list(truncate_string_length=4).spans[0]
    assert span.attributes["llm.input_messages"][0]["message.content"] == "que…"
    assert span.evaluations[0].name == "Quality"


def test_naive_times_are_utc_and_both_bounds_belong_to_the_window(
    filled: Client, noon: datetime
) -> None:
    first = (noon + timedelta(seconds=3, microseconds=123_456)).replace(tzinfo=None)
    last = first + timedelta(seconds=2)
    found = ids(filled.list(start_time=first, end_time=last))
    assert found == [f"span-{n:010}" for n in (5, 4, 3)]


def test_without_a_window_the_last_seven_days_are_listed(filled: Client) -> None:
    assert len(filled.list(start_time=None, end_time=None).spans) == 12


@pytest.mark.parametrize(
    "options",
    [
        {"filter": "nonsense = 1"},
        {"filter": " "},
        {"cursor": "garbage"},
        {"included_columns": ["name"], "excluded_columns": ["name"]},
    ],
    ids=["unknown field", "white space", "no cursor", "both column lists"],
)
def test_bad_arguments_are_refused(filled: Client, options: dict[str, Any]) -> None:
    with pytest.raises(filled.kind.rest_refused):
        filled.list(**options)


def test_results_become_dicts_json_and_frames(filled: Client) -> None:
    page = filled.list(limit=3)
    as_dict = page.to_dict()
    assert as_dict["spans"][0]["context"]["span_id"] == "span-0000000011"
    assert as_dict["pagination"]["has_more"] is True
    frame = page.to_df()
    assert len(frame) == 3
    assert frame["name"].tolist() == ["step 2", "step 1", "step 0"]
    assert frame["attributes"][0]["llm.model_name"] == "claude"
    assert "status_message" not in frame.columns


def test_what_was_said_of_a_span_is_listed_with_it(filled: Client, noon: datetime) -> None:
    import pandas as pd

    span_id = "span-0000000004"
    said = {"name": "accuracy", "label": "naïve", "score": 0.5, "text": "why"}
    filled.annotate([{"record_id": span_id, "values": [said]}])
    quality = {"annotation.Quality.label": ["good"], "annotation.notes": ["a note"]}
    filled.update_annotations(pd.DataFrame({"context.span_id": [span_id], **quality}))
    window = {"start_time": noon + timedelta(seconds=4), "end_time": noon + timedelta(seconds=5)}
    (span,) = filled.list(**window).spans
    found = {each.name: each for each in span.annotations}
    assert {"accuracy", "Quality"} <= found.keys()
    given = found["accuracy"]
    assert {name: getattr(given, name) for name in said} == said
    assert given.updated_at.tzinfo is not None
    assert (found["Quality"].label, found["Quality"].score) == ("good", None)
    assert [each.label for each in span.evaluations] == ["good"]
    assert len(filled.list(filter="annotation.accuracy.score = 0.5").spans) == 1


def test_what_was_said_of_a_trace_is_listed_with_its_root(filled: Client) -> None:
    # Not every row can say it, but every row must be able to read it.
    value = AnnotationInput(name="accuracy", label="good")
    vendor_client(filled.endpoint).spans.annotate(
        project=filled.project,
        space=filled.space,
        annotations=[AnnotateRecordInput(record_id="span-0000000003", values=[value])],
        granularity=RecordGranularity.TRACE,
    )
    by_id = {span.context.span_id: span for span in filled.list().spans}
    said = {
        id_: [each.label for each in [*span.annotations, *of_the_trace(span)]]
        for id_, span in by_id.items()
    }
    assert {id_: labels for id_, labels in said.items() if labels} == {"span-0000000003": ["good"]}


def of_the_trace(span: Any) -> list[Any]:
    """Return a member that an older SDK does not have, and gets among the annotations."""
    return getattr(span, "trace_annotations", None) or []


def test_an_event_without_a_time_is_listed(
    client: Client, make_spans: Callable[..., pd.DataFrame]
) -> None:
    event = {"name": "started", "attributes": {"k": 1}}
    client.log(make_spans(1, events=[[event]]), validate=False)
    (span,) = client.list().spans
    assert [(each.name, each.attributes) for each in span.events] == [("started", {"k": 1})]


def test_a_kind_that_the_protocol_does_not_know_is_listed_as_unknown(
    client: Client, make_spans: Callable[..., pd.DataFrame]
) -> None:
    kinds = ["AGENT", "my kind", None]
    client.log(make_spans(3, span_kind=kinds))
    listed = [str(getattr(span.kind, "value", span.kind)) for span in client.list().spans]
    assert listed == ["UNKNOWN", "UNKNOWN", "AGENT"]


@pytest.mark.parametrize("row", ["spanduck", "vendor 8.30"])
def test_every_client_makes_the_same_frame(
    connect: Callable[..., Client], make_spans: Callable[..., pd.DataFrame], row: str
) -> None:
    import pandas as pd

    theirs = connect("vendor")
    theirs.log(make_spans(5, **{"attributes.x": list("abcde")}))
    quality = {"annotation.Quality.label": ["good"], "annotation.Quality.score": [1.0]}
    theirs.update_annotations(pd.DataFrame({"context.span_id": ["span-0000000003"], **quality}))
    other = connect(row, project=theirs.project)
    frames = [client.list().to_df() for client in (theirs, other)]
    frames = [frame.drop(columns=["evaluations", "events"]) for frame in frames]
    empty = {"trace_annotations"}
    common = sorted(set(frames[0].columns) - empty)
    assert sorted(set(frames[1].columns) - empty) == common
    first, second = ([frame[name].astype(str).tolist() for name in common] for frame in frames)
    names = {name: (a, b) for name, a, b in zip(common, first, second, strict=True) if a != b}
    # Enumerations print their class.
    assert set(names) <= {"kind", "status_code"}


def test_traces_are_listed_for_the_vendor(
    # `Any`: every field of its answers may be None by their types.
    vendor: Any,
    connect: Callable[..., Client],
    make_spans: Callable[..., pd.DataFrame],
) -> None:
    client = connect("vendor")
    client.log(make_spans(9))
    arguments = {"project": client.project, "space": client.space, **client.window}
    answer = vendor.traces.list(**arguments, filter="span_kind = 'TOOL'", limit=2)
    assert [trace.root_span_id for trace in answer.traces] == ["span-0000000006", "span-0000000003"]
    assert [len(trace.spans) for trace in answer.traces] == [3, 3]
    rest = vendor.traces.list(
        **arguments, filter="span_kind = 'TOOL'", cursor=answer.pagination.next_cursor
    )
    assert [trace.root_span_id for trace in rest.traces] == ["span-0000000000"]
