"""`POST /v2/traces`, judged on the wire."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NOW = time.time_ns() - 3_600 * 10**9
SECOND = 10**9


def table(rows: Sequence[tuple[str, str, str | None, int]], **columns: list[Any]) -> pa.Table:
    """Spans of (span, trace, parent, start in seconds)."""
    starts = [NOW + start * SECOND for *_, start in rows]
    return pa.table(
        {
            "context.span_id": [row[0] for row in rows],
            "context.trace_id": pa.array([row[1] for row in rows], pa.string()),
            "parent_id": pa.array([row[2] for row in rows], pa.string()),
            "name": ["step"] * len(rows),
            "start_time": starts,
            "end_time": [start + SECOND for start in starts],
            **columns,
        }
    )


@pytest.fixture
def ask(caller: Any) -> Callable[..., Any]:
    """Uploads spans to a project of its own and returns what lists its traces."""

    def uploaded(spans: pa.Table) -> Callable[..., Any]:
        project = f"project {uuid4().hex[:12]}"
        caller.upload(spans, project)
        found = caller.rest.get("/v2/projects", params={"name": project}).json()["projects"]

        def call(params: dict[str, Any] | None = None, **body: Any) -> Any:
            body = {"project_id": found[0]["id"], **body}
            return caller.rest.post("/v2/traces", params=params or {}, json=body)

        return call

    return uploaded


def shown(answer: Any) -> list[tuple[str, str, list[str]]]:
    assert answer.status_code == 200, answer.text
    return [
        (
            trace["trace_id"],
            trace["root_span_id"],
            [span["context"]["span_id"] for span in trace["spans"]],
        )
        for trace in answer.json()["traces"]
    ]


ROWS = [
    ("a-root", "a", None, 0),
    ("a-1", "a", "a-root", 1),
    ("b-root", "b", "", 2),
    ("a-2", "a", "a-1", 9),
    ("b-1", "b", "b-root", 3),
    ("c-1", "c", "c-root, which never came", 5),
    ("d-root", "d", None, 6),
    ("d-root-2", "d", None, 7),
]


def test_traces_come_with_their_spans_newest_root_first(ask: Any) -> None:
    listed = ask(table(ROWS))
    answer = listed()
    both = ["d-root", "d-root-2"]
    assert shown(answer) == [
        ("d", "d-root-2", both),
        ("d", "d-root", both),
        ("b", "b-root", ["b-root", "b-1"]),
        ("a", "a-root", ["a-root", "a-1", "a-2"]),
    ]
    assert answer.json()["pagination"] == {"has_more": False}
    last = answer.json()["traces"][-1]
    assert last["start_time"] == last["spans"][0]["start_time"]
    assert last["end_time"] == last["spans"][-1]["end_time"]
    assert last["spans_truncated"] is False


def test_a_trace_qualifies_by_any_of_its_spans(ask: Any) -> None:
    listed = ask(table(ROWS, **{"attributes.n": list(range(8))}))
    assert [root for _, root, _ in shown(listed(filter="attributes.n = 3"))] == ["a-root"]
    roots = [root for _, root, _ in shown(listed(filter="attributes.n = 4 OR attributes.n = 6"))]
    assert roots == ["d-root-2", "d-root", "b-root"]
    assert shown(listed(filter="attributes.n = 5")) == []
    (trace,) = shown(listed(filter="attributes.n = 1"))
    assert trace[2] == ["a-root", "a-1", "a-2"]


def test_pages_are_walked(ask: Any) -> None:
    rows = [(f"root-{n:02}", f"trace-{n:02}", None, n // 4) for n in range(60)]
    listed = ask(table(rows, **{"attributes.n": list(range(60))}))
    wanted = [f"root-{n:02}" for n in sorted(range(60), key=lambda n: (-(n // 4), n))]
    assert [root for _, root, _ in shown(listed())] == wanted[:25]
    for body in ({}, {"filter": "attributes.n >= 0"}):
        found: list[str] = []
        cursor = None
        while True:
            answer = listed({"limit": 7, **({"cursor": cursor} if cursor else {})}, **body)
            found += [root for _, root, _ in shown(answer)]
            cursor = answer.json()["pagination"].get("next_cursor")
            if cursor is None:
                break
        assert found == wanted


def test_a_trace_is_cut_at_a_thousand_spans_and_says_so(ask: Any) -> None:
    rows: list[tuple[str, str, str | None, int]] = [
        (f"long-{n:04}", "long", "long-root", n) for n in range(1_200)
    ]
    rows += [("long-root", "long", None, 1_500), ("exact-root", "exact", None, 1_400)]
    rows += [(f"exact-{n:04}", "exact", "exact-root", n) for n in range(999)]
    long, exact = ask(table(rows))().json()["traces"]
    assert (long["root_span_id"], long["spans_truncated"], len(long["spans"])) == (
        "long-root",
        True,
        1_000,
    )
    assert long["spans"][-1]["context"]["span_id"] == "long-root"
    assert (exact["spans_truncated"], len(exact["spans"])) == (False, 1_000)


def test_only_spans_in_the_window_belong_to_a_trace(ask: Any) -> None:
    listed = ask(table(ROWS))
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(NOW // SECOND + 3))
    assert shown(listed(end_time=f"{moment}.5Z")) == [
        ("b", "b-root", ["b-root", "b-1"] if (NOW % SECOND) < SECOND // 2 else ["b-root"]),
        ("a", "a-root", ["a-root", "a-1"]),
    ]


def test_a_span_without_a_trace_is_one_by_itself(ask: Any) -> None:
    listed = ask(table([("one", "", None, 0), ("two", "", None, 1)]))
    assert shown(listed()) == [("", "two", ["two"]), ("", "one", ["one"])]


@pytest.mark.parametrize("limit", ["0", "51", "x"])
def test_a_bad_limit_is_refused(ask: Any, limit: str) -> None:
    answer = ask(table(ROWS))({"limit": limit})
    assert answer.status_code == 422
    assert "limit" in answer.json()["detail"]


def test_what_is_wrong_is_told(ask: Any) -> None:
    listed = ask(table(ROWS))
    assert listed(filter="").status_code == 422
    answer = listed(filter="nonsense = 1")
    assert answer.status_code == 400
    assert "nonsense" in answer.json()["detail"]
    assert listed({"cursor": "garbage"}).status_code == 400
    assert listed(project_id="TW9kZWw6OTk5OTpub25l").status_code == 404
