"""`POST /v2/spans` by page: order, cursors, and what is written meanwhile."""

from __future__ import annotations

import base64
import time
from typing import Any, TypeAlias

import pyarrow as pa

# A class of the folder's conftest, which is no module to import from.
Lists: TypeAlias = Any


def test_ties_are_broken_by_trace_and_span_id_on_every_page(lists: Lists) -> None:
    now = time.time_ns() - 10**9
    spans = [f"span-{n:012d}" for n in range(20)]
    traces = [f"trace-{(n * 7) % 5:012d}" for n in range(20)]
    table = lists.tools.spans(20)
    table = table.set_column(4, "start_time", pa.array([now + n // 10 for n in range(20)]))
    table = table.set_column(1, "context.trace_id", pa.array(traces))
    lists.caller.upload(table, lists.project)
    wanted = sorted(zip([-(now + n // 10) for n in range(20)], traces, spans, strict=True))
    assert lists.walk(3) == [span for _, _, span in wanted]
    assert lists.ids() == [span for _, _, span in wanted]


def test_a_walk_neither_skips_nor_repeats_while_spans_arrive(lists: Lists) -> None:
    lists.upload(50)
    page = lists.page({"limit": 20})
    seen = [span["context"]["span_id"] for span in page["spans"]]
    # Newer ones, and some in the midst of what was listed already.
    lists.upload(30, first=100)
    cursor = page["pagination"]["next_cursor"]
    while cursor:
        page = lists.page({"limit": 7, "cursor": cursor})
        seen += [span["context"]["span_id"] for span in page["spans"]]
        cursor = page["pagination"].get("next_cursor")
    assert len(seen) == len(set(seen))
    assert set(lists.named(*range(50))) <= set(seen)
    assert [span for span in seen if span < "span-000000000050"] == lists.named(
        *reversed(range(50))
    )


def test_spans_of_many_uploads_and_ages_come_in_order(lists: Lists) -> None:
    now = time.time_ns()
    ages_s = [n**4 % 500_000 + n for n in range(90)]
    for part in range(3):
        table = lists.tools.spans(30, first=30 * part)
        starts = [now - (60 + age) * 10**9 for age in ages_s[30 * part : 30 * part + 30]]
        table = table.set_column(4, "start_time", pa.array(starts))
        lists.caller.upload(table, lists.project)
    wanted = [number for _, number in sorted((age, n) for n, age in enumerate(ages_s))]
    assert lists.walk(4) == lists.named(*wanted)
    odd = lists.named(*(n for n in wanted if n % 7 == 3))
    assert lists.walk(4, filter="name = 'operation 3'") != []
    assert set(lists.walk(4, filter="name = 'operation 3'")) <= set(lists.named(*wanted))
    assert len(odd) == len([n for n in range(90) if n % 7 == 3])


def test_pages_have_50_spans_unless_asked_otherwise(lists: Lists) -> None:
    lists.upload(600)
    assert len(lists.ids()) == 50
    assert len(lists.ids({"limit": 500})) == 500
    assert lists.page({"limit": 500})["pagination"]["has_more"] is True
    assert lists.ids({"limit": 1}) == lists.named(599)


def test_a_cursor_is_bound_to_its_list(lists: Lists) -> None:
    lists.upload(20, **{"attributes.a": [1] * 20})
    window = {"start_time": lists.iso(time.time_ns() - 3600 * 10**9)}
    cursor = lists.page({"limit": 5}, **window)["pagination"]["next_cursor"]
    assert lists.ids({"limit": 3, "cursor": cursor}, **window) == lists.named(14, 13, 12)
    others: list[dict[str, Any]] = [
        {},
        {"start_time": lists.iso(time.time_ns() - 3601 * 10**9)},
        {**window, "end_time": lists.iso(time.time_ns())},
        {**window, "filter": "attributes.a = 1"},
        {**window, "included_columns": ["attributes.a"]},
        {**window, "excluded_columns": ["attributes.a"]},
    ]
    for other in others:
        answer = lists.post({"cursor": cursor}, **other)
        assert answer.status_code == 400, other
        assert "cursor" in answer.json()["detail"]
    second = lists.another()
    second.upload(20)
    assert second.post({"cursor": cursor}, **window).status_code == 400


def test_a_garbled_cursor_is_refused(lists: Lists) -> None:
    lists.upload(20)
    cursor = lists.page({"limit": 5})["pagination"]["next_cursor"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    cut = base64.urlsafe_b64encode(raw[:9] + raw[9:].replace(b"span-", b"spam-")).decode()
    flipped = [cursor[:i] + ("A" if cursor[i] != "A" else "B") + cursor[i + 1 :] for i in range(12)]
    garbled = [
        "garbage",
        cursor[:-1],
        cursor[1:],
        cursor + "A",
        cursor + "=",
        cursor[:-1] + "!",
        cut,
    ]
    last = [cursor[:-1] + letter for letter in "ABQwgZ09-_" if letter != cursor[-1]]
    for bad in [*garbled, *flipped, *last, "ä", "{}", "W10="]:
        answer = lists.post({"cursor": bad})
        assert answer.status_code == 400, bad
        assert "cursor" in answer.json()["detail"]
    assert len(lists.ids({"cursor": cursor})) == 15


def test_the_window_of_the_first_page_is_that_of_all(lists: Lists) -> None:
    now = time.time_ns()
    table = lists.tools.spans(6)
    starts = [now - n * 10**9 for n in range(6)]
    # One that lies ahead, and is within the window only later.
    starts[0] = now + 2 * 10**9
    lists.caller.upload(table.set_column(4, "start_time", pa.array(starts)), lists.project)
    page = lists.page({"limit": 2})
    time.sleep(2.1)
    rest = lists.ids({"cursor": page["pagination"]["next_cursor"]})
    assert [span["context"]["span_id"] for span in page["spans"]] + rest == lists.named(
        1, 2, 3, 4, 5
    )


def test_thousands_of_spans_that_start_at_once_are_walked(lists: Lists) -> None:
    now = time.time_ns() - 10**9
    table = lists.tools.spans(2_000)
    lists.caller.upload(table.set_column(4, "start_time", pa.array([now] * 2_000)), lists.project)
    found = lists.walk(300)
    assert found == sorted(found)
    assert len(set(found)) == 2_000


def test_what_is_written_during_a_walk_is_seen_on_its_next_page(lists: Lists) -> None:
    lists.upload(60, **{"attributes.v": ["old"] * 60})
    page = lists.page({"limit": 5})
    page = lists.page({"limit": 5, "cursor": page["pagination"]["next_cursor"]})
    assert page["spans"][-1]["context"]["span_id"] == "span-000000000050"
    rows = pa.table({"context.span_id": lists.named(49), "eval.Q.label": ["late"]})
    lists.caller.put(rows, lists.project)
    page = lists.page({"limit": 5, "cursor": page["pagination"]["next_cursor"]})
    assert page["spans"][0]["evaluations"][0]["label"] == "late"
    body = {"project_id": lists.project_id, "span_ids": lists.named(44)}
    assert lists.caller.rest.request("DELETE", "/v2/spans", json=body).status_code == 200
    page = lists.page({"limit": 5, "cursor": page["pagination"]["next_cursor"]})
    assert page["spans"][0]["context"]["span_id"] == "span-000000000043"


def test_the_limit_may_change_from_page_to_page(lists: Lists) -> None:
    lists.upload(200, **{"attributes.n": list(range(200))})
    found: list[str] = []
    cursor: str | None = None
    window = {"end_time": lists.iso(time.time_ns())}
    for limit in (3, 7, 2, 40, 1, 11, 500):
        params = {"limit": limit, **({"cursor": cursor} if cursor else {})}
        page = lists.page(params, **window)
        assert len(page["spans"]) == min(limit, 200 - len(found))
        found += [span["context"]["span_id"] for span in page["spans"]]
        assert [span["attributes"]["n"] for span in page["spans"]] == [
            int(span["context"]["span_id"][-4:]) for span in page["spans"]
        ]
        # The same page again, as after a lost answer.
        again = lists.page(params, **window)
        assert again["spans"] == page["spans"]
        assert again["pagination"]["has_more"] == page["pagination"]["has_more"]
        cursor = page["pagination"].get("next_cursor")
    assert cursor is None
    assert found == lists.named(*reversed(range(200)))
