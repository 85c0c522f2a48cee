from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from spanduck._wire import AnnotateRequest, Granularity, WireError
from spanduck.types import AnnotateRecordInput, AnnotationInput

RECORD = AnnotateRecordInput("a", (AnnotationInput("n", score=1, label="l", text="t"),))


def test_what_is_none_is_left_out() -> None:
    record = AnnotateRecordInput("a", [AnnotationInput("n", score=0.0)])
    assert json.loads(AnnotateRequest("p", (record,)).to_json()) == {
        "project_id": "p",
        "annotations": [{"record_id": "a", "values": [{"name": "n", "score": 0.0}]}],
    }


def test_a_request_is_read_back() -> None:
    start = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    request = AnnotateRequest("p", (RECORD,), start, start, Granularity.TRACE)
    assert AnnotateRequest.from_json(request.to_json()) == request


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"project_id": 1}, "project_id"),
        ({"annotations": {}}, "annotations"),
        ({"annotations": [1]}, "annotations"),
        ({"annotations": [{"record_id": "\ud800", "values": [{"name": "n"}]}]}, "record_id"),
        ({"annotations": [{"record_id": "a", "values": [1]}]}, "values"),
        ({"annotations": [{"record_id": "a", "values": [{"name": "n", "text": 1}]}]}, "text"),
        ({"granularity": []}, "granularity"),
        ({"start_time": 5}, "start_time"),
        ({"end_time": "never"}, "end_time"),
    ],
)
def test_a_wrong_member_is_named(change: dict[str, Any], what: str) -> None:
    body = json.loads(AnnotateRequest("p", (RECORD,)).to_json()) | change
    with pytest.raises(WireError) as caught:
        AnnotateRequest.from_json(json.dumps(body).encode())
    assert caught.value.what == what


def test_a_time_without_a_zone_is_in_utc() -> None:
    body = json.loads(AnnotateRequest("p", (RECORD,)).to_json())
    request = AnnotateRequest.from_json(json.dumps(body | {"end_time": "2026-01-02"}).encode())
    assert request.end_time == datetime(2026, 1, 2, tzinfo=UTC)
