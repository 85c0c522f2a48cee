"""What `POST /v2/spans` may be asked for: windows, filters, limits, and what is refused."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any, TypeAlias

import pyarrow as pa
import pytest

# A class of the folder's conftest, which is no module to import from.
Lists: TypeAlias = Any


def test_the_default_window_is_the_last_seven_days(lists: Lists) -> None:
    now, day = time.time_ns(), 86_400 * 10**9
    table = lists.tools.spans(4)
    starts = [now - 8 * day, now - 7 * day + 60 * 10**9, now - 10**9, now + day]
    lists.caller.upload(table.set_column(4, "start_time", pa.array(starts)), lists.project)
    assert lists.ids() == lists.named(2, 1)
    assert lists.ids(start_time=lists.iso(now - 9 * day)) == lists.named(2, 1, 0)
    assert lists.ids(end_time=lists.iso(now + 2 * day)) == lists.named(3, 2, 1)


def test_both_bounds_are_inclusive_and_without_a_zone_in_utc(lists: Lists) -> None:
    table = lists.upload(5)
    starts = [start.as_py() for start in table["start_time"]]
    assert lists.ids(start_time=lists.iso(starts[1]), end_time=lists.iso(starts[3])) == lists.named(
        3, 2, 1
    )
    naive = lists.iso(starts[1]).removesuffix("Z")
    assert lists.ids(start_time=naive, end_time=naive) == lists.named(1)
    shifted = datetime.fromisoformat(lists.iso(starts[2])).astimezone().isoformat()
    assert lists.ids(start_time=shifted) == lists.named(4, 3, 2)


def test_a_filter_selects_and_pages_go_on_with_it(lists: Lists) -> None:
    lists.upload(
        40,
        **{
            "attributes.n": list(range(40)),
            "eval.Q.label": ["good" if n % 4 == 0 else None for n in range(40)],
        },
    )
    assert lists.walk(3, filter="attributes.n >= 30") == lists.named(*reversed(range(30, 40)))
    assert lists.walk(3, filter="eval.Q.label = 'good'") == lists.named(*reversed(range(0, 40, 4)))
    assert lists.walk(3, filter="latency_ms > 1000") == []
    assert lists.walk(7, filter="status_code = 'OK' AND attributes.n < 5") == lists.named(
        4, 3, 2, 1, 0
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"filter": ""}, "filter"),
        ({"filter": " \n"}, "filter"),
        ({"filter": "attributes.n >>= 3"}, ">"),
        ({"filter": "nonsense = 3"}, "nonsense"),
        ({"filter": "latency_ms = 'x'"}, "latency_ms"),
        ({"filter": 3}, "filter"),
        ({"included_columns": ["a"], "excluded_columns": ["b"]}, "included_columns"),
        ({"included_columns": []}, "included_columns"),
        ({"included_columns": "name"}, "included_columns"),
        ({"excluded_columns": [""]}, "excluded_columns"),
        ({"excluded_columns": ["a"] * 1_001}, "excluded_columns"),
        ({"truncate_string_length": 0}, "truncate_string_length"),
        ({"truncate_string_length": True}, "truncate_string_length"),
        ({"start_time": "yesterday"}, "start_time"),
        ({"start_time": 17}, "start_time"),
        ({"start_time": "2026-01-02", "end_time": "2026-01-01"}, "start_time"),
        ({"project_id": None}, "project_id"),
        ({"project_id": 7}, "project_id"),
    ],
)
def test_a_bad_body_is_refused_by_name(lists: Lists, body: dict[str, Any], said: str) -> None:
    lists.upload(1)
    answer = lists.post(**body)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


def test_a_body_that_is_no_object_is_refused(lists: Lists) -> None:
    for content in (b"", b"[]", b"{", b"\xff", b"[" * 100_000):
        assert lists.caller.rest.post("/v2/spans", content=content).status_code == 400


def test_both_column_lists_and_a_blank_filter_are_422(lists: Lists) -> None:
    lists.upload(1)
    assert lists.post(filter="  ").status_code == 422
    assert lists.post(included_columns=["a"], excluded_columns=["b"]).status_code == 422


@pytest.mark.parametrize("limit", ["0", "501", "-1", "x", "", "1.5", "9" * 30])
def test_a_bad_limit_is_refused(lists: Lists, limit: str) -> None:
    lists.upload(1)
    answer = lists.post({"limit": limit})
    assert answer.status_code == 422
    assert "limit" in answer.json()["detail"]


def test_an_unknown_project_is_404(lists: Lists) -> None:
    lists.upload(1)
    for project in ("TW9kZWw6OTk5OTpub25l", lists.project, "nothing"):
        assert lists.post(project_id=project).status_code == 404


def test_other_methods_are_not_answered(lists: Lists) -> None:
    assert lists.caller.rest.get("/v2/spans").status_code == 405
    assert lists.caller.rest.get("/v2/traces").status_code == 405
