from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from spanduck._wire import WireError, read_traces_page
from spanduck.types import PageInfo, Trace, TracesPage

SPANS = [
    {"name": "root", "context": {"trace_id": "t", "span_id": "s"}},
    {"name": "step", "context": {"trace_id": "t", "span_id": "s-1"}, "parent_id": "s"},
]
TRACE = {
    "trace_id": "t",
    "root_span_id": "s",
    "start_time": "2026-11-20T10:00:00.123456789Z",
    "end_time": "2026-11-20T12:00:02+02:00",
    "spans_truncated": True,
    "spans": SPANS,
    "unknown": 1,
}


def read(*traces: Any, **pagination: Any) -> TracesPage:
    return read_traces_page({"traces": list(traces), "pagination": pagination})


def test_a_trace_has_typed_fields_and_its_spans() -> None:
    (trace,) = read(TRACE)
    assert (trace.trace_id, trace.root_span_id, trace.spans_truncated) == ("t", "s", True)
    assert trace.start_time == datetime(2026, 11, 20, 10, 0, 0, 123_456, tzinfo=UTC)
    assert trace.end_time == datetime(2026, 11, 20, 10, 0, 2, tzinfo=UTC)
    assert [span.name for span in trace.spans] == ["root", "step"]
    assert trace.root_span is trace.spans[0]


def test_anything_may_be_absent() -> None:
    (trace,) = read({})
    assert trace == Trace(None, None)
    assert trace.root_span is None


def test_pages_and_traces_become_dictionaries_json_and_frames() -> None:
    page = read(TRACE, next_cursor="c")
    assert page.pagination == PageInfo(has_more=True, next_cursor="c")
    (row,) = page.to_dicts()
    assert row == page.traces[0].to_dict()
    assert row["spans"][1]["context"] == {"trace_id": "t", "span_id": "s-1"}
    again = json.loads(page.to_json())
    assert again["pagination"] == {"has_more": True, "next_cursor": "c"}
    assert again["traces"][0]["start_time"] == "2026-11-20T10:00:00.123456+00:00"
    assert json.loads(page.traces[0].to_json()) == again["traces"][0]
    frame = page.to_df()
    assert list(frame.columns) == [
        "trace_id",
        "root_span_id",
        "start_time",
        "end_time",
        "spans_truncated",
        "spans",
    ]
    assert [span["name"] for span in frame["spans"].iloc[0]] == ["root", "step"]
    assert read().to_df().empty


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ({"trace_id": 1}, "trace_id of a trace"),
        ({"start_time": 1}, "start_time of a trace"),
        ({"end_time": "x"}, "end_time of a trace"),
        ({"spans": "x"}, "spans of a trace"),
        ({"spans": [1]}, "not an object"),
        ({"spans": [{"name": 1}]}, "name of a span"),
    ],
)
def test_a_malformed_trace_names_the_member(members: dict[str, Any], what: str) -> None:
    with pytest.raises(WireError, match=what):
        read({**TRACE, **members})


@pytest.mark.parametrize("page", [{}, {"traces": []}, {"traces": {}, "pagination": {}}])
def test_a_malformed_page_is_an_error(page: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        read_traces_page(page)
