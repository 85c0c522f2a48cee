from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from spanduck._wire import ListRequest, WireError, read_spans_page, time_text
from spanduck.types import PageInfo, Span, SpanContext

MOMENT = datetime(2026, 11, 20, 10, 0, 0, 123_456, tzinfo=UTC)


def test_a_request_survives_the_way_to_the_service() -> None:
    for request in (
        ListRequest("cDox"),
        ListRequest("cDox", MOMENT, MOMENT, "name = 'x'", ("a", "b"), None, 7),
        ListRequest("cDox", excluded_columns=("a",)),
    ):
        assert ListRequest.from_json(json.dumps(request.to_dict()).encode()) == request


def test_what_is_none_is_left_out() -> None:
    assert ListRequest("cDox").to_dict() == {"project_id": "cDox"}
    body = {"project_id": "cDox", "filter": None, "start_time": None, "unknown": 1}
    assert ListRequest.from_json(json.dumps(body).encode()) == ListRequest("cDox")


def test_times_come_in_utc() -> None:
    east = MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    for text in (east.isoformat(), "2026-11-20T10:00:00.123456", "2026-11-20T10:00:00.123456789Z"):
        body = json.dumps({"project_id": "p", "start_time": text}).encode()
        assert ListRequest.from_json(body).start_time == MOMENT


@pytest.mark.parametrize("nanoseconds", [0, 1, 999, 10**18 + 1_999, -1, -1_000, -(10**18)])
def test_nanoseconds_are_rounded_down(nanoseconds: int) -> None:
    text = time_text(nanoseconds)
    assert text.endswith("Z")
    since = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    assert since // timedelta(microseconds=1) == nanoseconds // 1_000


def test_a_page_of_any_version_is_read() -> None:
    page = read_spans_page(
        {
            "spans": [
                {"latency_ms": 3, "unknown": {}},
                {
                    "name": "n",
                    "context": {"trace_id": "t", "span_id": "s"},
                    "start_time": "2026-11-20T10:00:00.123456789Z",
                    "attributes": None,
                    "annotations": [
                        {"name": "a", "updated_at": "2026-11-20T10:00:00", "annotator": {"id": "i"}}
                    ],
                    "evaluations": [{"name": "e", "score": 1, "metadata": {"run": 7}}],
                    "events": [{"name": "x", "timestamp": None, "attributes": {"k": [1]}}],
                },
            ],
            "pagination": {"has_more": True, "next_cursor": "c"},
        }
    )
    empty, span = page
    assert empty == Span(None, SpanContext(None, None))
    assert (span.span_id, span.start_time, span.attributes) == ("s", MOMENT, {})
    (annotation,) = span.annotations
    assert (annotation.annotator_id, annotation.annotator_email) == ("i", None)
    assert annotation.updated_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert (span.evaluations[0].score, span.evaluations[0].metadata) == (1, {"run": 7})
    assert span.events[0].attributes == {"k": [1]}
    assert page.pagination == PageInfo(has_more=True, next_cursor="c")
    assert len(page) == 2


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"spans": []},
        {"spans": {}, "pagination": {"has_more": False}},
        {"spans": ["x"], "pagination": {}},
        {"spans": [{"name": 7}], "pagination": {}},
        {"spans": [{"start_time": "soon"}], "pagination": {}},
        {"spans": [{"attributes": [1]}], "pagination": {}},
        {"spans": [{"evaluations": [{"score": "1"}]}], "pagination": {}},
        {"spans": [{"annotations": {"a": 1}}], "pagination": {}},
    ],
)
def test_a_malformed_page_is_refused(page: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        read_spans_page(page)
