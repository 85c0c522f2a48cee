"""Lists, annotations and deletions: the same requests by the vendor's client and by ours."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from arize.spans.types import AnnotateRecordInput, AnnotationInput, RecordGranularity
from tests.conformance.wire.differences import our_body
from tests.conformance.wire.recording import PROJECT, SPACE

if TYPE_CHECKING:
    from tests.conformance.wire.conftest import Both
    from tests.conformance.wire.recording import Call

NAIVE = datetime(2026, 1, 1, 2, 3, 4, 5)  # noqa: DTZ001 - without a zone is what is tested
AWARE = datetime(2026, 1, 2, 23, 59, 59, 999_999, tzinfo=UTC)
ELSEWHERE = datetime(2026, 1, 3, tzinfo=timezone(timedelta(hours=5, minutes=30)))

WINDOWS: list[dict[str, datetime]] = [
    {},
    {"start_time": AWARE},
    {"end_time": ELSEWHERE},
    {"start_time": NAIVE},
    {"start_time": NAIVE, "end_time": NAIVE + timedelta(days=1)},
    {"start_time": NAIVE, "end_time": ELSEWHERE},
]
RECORDS = [
    AnnotateRecordInput(
        record_id="span-1",
        values=[
            AnnotationInput(name="accuracy", label="naïve 🦆", score=1.0, text='"t"\n'),
            AnnotationInput(name="Quality", score=1),
        ],
    ),
    AnnotateRecordInput(record_id="span-é", values=[AnnotationInput(name="notes", text="x")]),
]


def assert_same_body(pair: tuple[Call, Call]) -> None:
    their, our = pair
    assert our.body == our_body(their.body)


@pytest.mark.usefixtures("far_from_utc")
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"limit": 1, "cursor": "a/b+c=="},
        {"limit": 500, "filter": "eval.Q.label = 'é' AND \"name\" = 'x'"},
        {"included_columns": ["attributes.llm.model_name", "é"]},
        {"excluded_columns": ["attributes.output.value"], "truncate_string_length": 1},
        {"filter": "name = 'a'", "included_columns": ["name"], "cursor": "c", "limit": 7},
    ],
)
def test_lists_are_the_vendors(
    both: Both, arguments: dict[str, Any], window: dict[str, datetime]
) -> None:
    (pair,) = both("list", project=PROJECT, **arguments, **window)
    assert pair[0].line.startswith("POST /v2/spans?limit=")
    assert_same_body(pair)


@pytest.mark.usefixtures("far_from_utc")
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("granularity", [None, *RecordGranularity])
def test_annotations_are_the_vendors(
    both: Both, granularity: RecordGranularity | None, window: dict[str, datetime]
) -> None:
    (pair,) = both(
        "annotate", project=PROJECT, annotations=RECORDS, granularity=granularity, **window
    )
    assert pair[0].line == "POST /v2/spans/annotate HTTP/1.1"
    assert_same_body(pair)


@pytest.mark.usefixtures("far_from_utc")
@pytest.mark.parametrize("window", WINDOWS)
def test_deletions_are_the_vendors(both: Both, window: dict[str, datetime]) -> None:
    ids = ["span-1", "naïve 🦆", '"']
    (pair,) = both("delete", project=PROJECT, span_ids=ids, **window)
    assert pair[0].line == "DELETE /v2/spans HTTP/1.1"
    assert_same_body(pair)


def test_an_id_that_repeats_is_sent_once(both: Both) -> None:
    ids = ["span-1", "span-2", "span-1"]
    ((their, our),) = both("delete", project=PROJECT, span_ids=ids)
    assert their.json["span_ids"] == ids
    assert our.json == {**their.json, "span_ids": ["span-1", "span-2"]}


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("list", {}),
        ("annotate", {"annotations": RECORDS}),
        ("delete", {"span_ids": ["span-1"]}),
    ],
)
@pytest.mark.parametrize("space", ["by name", "by id"])
def test_names_are_looked_up_as_the_vendor_does(
    both: Both, named: dict[str, str], method: str, arguments: dict[str, Any], space: str
) -> None:
    if space == "by id":
        named = {**named, "space": SPACE}
    fresh = both.anew()
    with fresh.ours:
        *look_ups, call = fresh(method, **named, **arguments)
    # Each in two pages, of which the second has the name.
    paths = ["/v2/spaces"] * (2 if space == "by name" else 0) + ["/v2/projects"] * 2
    assert [their.target[:2] for their, _ in look_ups] == [("GET", path) for path in paths]
    cursors = [dict(their.target[3]).get("cursor") for their, _ in look_ups]
    assert cursors == list(itertools.islice(itertools.cycle([None, "c/2="]), len(paths)))
    assert_same_body(call)
    assert call[1].json["project_id"] == PROJECT


def test_our_client_looks_a_space_up_once(both: Both, named: dict[str, str]) -> None:
    fresh = both.anew()
    with fresh.ours:
        for _ in range(2):
            fresh.ours.list(**named)
    targets = [call.target[:2] for call in both.log.take()]
    assert targets == [
        *[("GET", "/v2/spaces")] * 2,
        *([("GET", "/v2/projects")] * 2 + [("POST", "/v2/spans")]) * 2,
    ]
