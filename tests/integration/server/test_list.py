"""`POST /v2/spans`, judged on the wire."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest


class Lists:
    """Lists of a project of its own."""

    def __init__(self, caller: Any, tools: Any) -> None:
        self.caller = caller
        self.tools = tools
        self.project = f"project {uuid4().hex[:12]}"

    def upload(self, count: int = 10, **columns: Any) -> pa.Table:
        """Upload spans with further columns; `first` is the number of the first one."""
        table: pa.Table = self.tools.spans(count, **columns)
        self.caller.upload(table, self.project)
        return table

    @property
    def project_id(self) -> str:
        found = self.caller.rest.get("/v2/projects", params={"name": self.project}).json()
        project_id: str = found["projects"][0]["id"]
        return project_id

    def post(self, params: dict[str, Any] | None = None, **body: Any) -> Any:
        body = {"project_id": self.project_id, **body}
        return self.caller.rest.post("/v2/spans", params=params or {}, json=body)

    def page(self, params: dict[str, Any] | None = None, **body: Any) -> dict[str, Any]:
        answer = self.post(params, **body)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    def one(self, **body: Any) -> dict[str, Any]:
        (span,) = self.page(**body)["spans"]
        return dict(span)

    def ids(self, params: dict[str, Any] | None = None, **body: Any) -> list[str]:
        return [span["context"]["span_id"] for span in self.page(params, **body)["spans"]]

    def walk(self, limit: int, **body: Any) -> list[str]:
        found: list[str] = []
        cursor = None
        while True:
            page = self.page({"limit": limit, **({"cursor": cursor} if cursor else {})}, **body)
            found += [span["context"]["span_id"] for span in page["spans"]]
            cursor = page["pagination"].get("next_cursor")
            assert page["pagination"]["has_more"] == (cursor is not None)
            if cursor is None:
                return found


@pytest.fixture
def lists(caller: Any, tools: Any) -> Lists:
    return Lists(caller, tools)


def ids(*numbers: int) -> list[str]:
    return [f"span-{number:012d}" for number in numbers]


def test_spans_come_newest_first_with_every_field(lists: Lists) -> None:
    table = lists.upload(3, status_message=["fine"] * 3)
    page = lists.page()
    assert page["pagination"] == {"has_more": False}
    assert [span["context"]["span_id"] for span in page["spans"]] == ids(2, 1, 0)
    start = table["start_time"][2].as_py()
    assert page["spans"][0] == {
        "name": "operation 2",
        "context": {"trace_id": "trace-000000000000", "span_id": "span-000000000002"},
        "kind": "UNKNOWN",
        "parent_id": None,
        "start_time": iso(start),
        "end_time": iso(start + 1_500_000),
        "status_code": "OK",
        "status_message": "fine",
        "attributes": {},
        "annotations": [],
        "evaluations": [],
        "events": [],
    }


def iso(nanoseconds: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1_000)
    return moment.isoformat().replace("+00:00", "Z")


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
    assert set(ids(*range(50))) <= set(seen)
    assert [span for span in seen if span < "span-000000000050"] == ids(*reversed(range(50)))


def test_spans_of_many_uploads_and_ages_come_in_order(lists: Lists) -> None:
    now = time.time_ns()
    ages_s = [n**4 % 500_000 + n for n in range(90)]
    for part in range(3):
        table = lists.tools.spans(30, first=30 * part)
        starts = [now - (60 + age) * 10**9 for age in ages_s[30 * part : 30 * part + 30]]
        table = table.set_column(4, "start_time", pa.array(starts))
        lists.caller.upload(table, lists.project)
    wanted = [number for _, number in sorted((age, n) for n, age in enumerate(ages_s))]
    assert lists.walk(4) == ids(*wanted)
    odd = ids(*(n for n in wanted if n % 7 == 3))
    assert lists.walk(4, filter="name = 'operation 3'") != []
    assert set(lists.walk(4, filter="name = 'operation 3'")) <= set(ids(*wanted))
    assert len(odd) == len([n for n in range(90) if n % 7 == 3])


def test_the_default_window_is_the_last_seven_days(lists: Lists) -> None:
    now, day = time.time_ns(), 86_400 * 10**9
    table = lists.tools.spans(4)
    starts = [now - 8 * day, now - 7 * day + 60 * 10**9, now - 10**9, now + day]
    lists.caller.upload(table.set_column(4, "start_time", pa.array(starts)), lists.project)
    assert lists.ids() == ids(2, 1)
    assert lists.ids(start_time=iso(now - 9 * day)) == ids(2, 1, 0)
    assert lists.ids(end_time=iso(now + 2 * day)) == ids(3, 2, 1)


def test_both_bounds_are_inclusive_and_without_a_zone_in_utc(lists: Lists) -> None:
    table = lists.upload(5)
    starts = [start.as_py() for start in table["start_time"]]
    assert lists.ids(start_time=iso(starts[1]), end_time=iso(starts[3])) == ids(3, 2, 1)
    naive = iso(starts[1]).removesuffix("Z")
    assert lists.ids(start_time=naive, end_time=naive) == ids(1)
    shifted = datetime.fromisoformat(iso(starts[2])).astimezone().isoformat()
    assert lists.ids(start_time=shifted) == ids(4, 3, 2)


def test_attributes_come_as_they_were_sent(lists: Lists) -> None:
    message = '{"message.role": "user", "message.content": "hi"}'
    lists.upload(
        1,
        **{
            "attributes.llm.model_name": ["gpt"],
            "attributes.llm.token_count.total": [12],
            "attributes.ratio": [0.5],
            "attributes.flag": [True],
            "attributes.nan": [float("nan")],
            "attributes.tags": [["a", "b"]],
            "attributes.nested": [{"a": {"b": [1, 2]}}],
            "attributes.metadata": ['{"k": {"z": NaN}, "n": null}'],
            "attributes.llm.input_messages": [[message, "no JSON"]],
            "attributes.llm.invocation_parameters": ['{"temperature": 0.2}'],
            "attributes.tool.parameters": ["no JSON"],
            "attributes.big": [2**62 + 1],
            "attributes.openinference.span.kind": ["Llm"],
            "attributes.nothing": pa.array([None], pa.string()),
            "attributes.empty": [""],
        },
    )
    span = lists.one()
    assert span["kind"] == "LLM"
    assert span["attributes"] == {
        "openinference.span.kind": "Llm",
        "llm.model_name": "gpt",
        "llm.token_count.total": 12,
        "ratio": 0.5,
        "flag": True,
        "nan": None,
        "tags": ["a", "b"],
        "nested": {"a": {"b": [1, 2]}},
        "metadata": {"k": {"z": None}, "n": None},
        "llm.input_messages": [json.loads(message), "no JSON"],
        "llm.invocation_parameters": {"temperature": 0.2},
        "tool.parameters": "no JSON",
        "big": 2**62 + 1,
        "empty": "",
    }


def test_a_column_of_several_kinds_gives_each_value_its_own(lists: Lists) -> None:
    values: list[Any] = [1, "one", 1.5, True, ["a"], {"a": 1}]
    for number, value in enumerate(values):
        lists.upload(1, first=number, **{"attributes.x": [value]})
    by_id = {span["context"]["span_id"]: span["attributes"]["x"] for span in lists.page()["spans"]}
    assert [by_id[span_id] for span_id in ids(*range(6))] == values
    assert [type(by_id[span_id]) for span_id in ids(*range(6))] == list(map(type, values))


def test_documents_that_json_cannot_carry_on_come_as_text(lists: Lists) -> None:
    deep, number = "[" * 900 + "]" * 900, "1" * 5_000
    lists.upload(
        1, **{"attributes.metadata": [deep], "attributes.llm.tools": [[number, '"\\ud800"']]}
    )
    answer = lists.post()
    attributes = answer.json()["spans"][0]["attributes"]
    assert attributes["metadata"] == deep
    assert attributes["llm.tools"] == [number, "\ud800"]
    assert answer.content.isascii()


def test_kinds_and_statuses_are_words_of_the_protocol(lists: Lists) -> None:
    kinds = ["LLM", "chain", "My Own", "", None]
    table = lists.tools.spans(5, **{"attributes.openinference.span.kind": pa.array(kinds)})
    codes = pa.array(["ok", "ERROR", "strange", "", None])
    table = table.set_column(6, "status_code", codes)
    lists.caller.upload(table, lists.project)
    spans = lists.page()["spans"][::-1]
    assert [span["kind"] for span in spans] == ["LLM", "CHAIN", "UNKNOWN", "UNKNOWN", "UNKNOWN"]
    assert [span["status_code"] for span in spans] == ["OK", "ERROR", "UNSET", "UNSET", None]
    shown = [span["attributes"].get("openinference.span.kind") for span in spans]
    assert shown == kinds


def test_events_come_as_objects(lists: Lists) -> None:
    events = [
        '{"name": "a", "timestamp": "2026-01-02T03:04:05.678901234+02:00", "attributes": {"k": 1}}',
        '{"name": "b", "timestamp": 1767326645000000000, "attributes": "{\\"k\\": 2}"}',
        '{"name": "c", "timestamp": "never", "attributes": "words"}',
        '{"name": "d"}',
        "no JSON",
    ]
    lists.upload(1, events=[events])
    assert lists.one()["events"] == [
        {"name": "a", "timestamp": "2026-01-02T01:04:05.678901Z", "attributes": {"k": 1}},
        {"name": "b", "timestamp": "2026-01-02T04:04:05Z", "attributes": {"k": 2}},
        {"name": "c", "timestamp": None, "attributes": {"value": "words"}},
        {"name": "d", "timestamp": None, "attributes": {}},
        {"name": None, "timestamp": None, "attributes": {"value": "no JSON"}},
    ]


def test_evaluations_of_the_span_come_with_it(lists: Lists) -> None:
    lists.upload(
        2,
        **{
            "eval.Quality.label": ["good", None],
            "eval.Quality.score": [1, None],
            "eval.Accuracy.score": [float("nan"), 0.5],
            "eval.Accuracy.explanation": ["why", None],
            "trace_eval.Quality.label": ["of the trace", "of the trace"],
        },
    )
    second, first = lists.page()["spans"]
    assert first["evaluations"] == [
        {"name": "Accuracy", "label": None, "score": None, "explanation": "why"},
        {"name": "Quality", "label": "good", "score": 1, "explanation": None},
    ]
    assert second["evaluations"] == [
        {"name": "Accuracy", "label": None, "score": 0.5, "explanation": None}
    ]


def test_columns_are_included_and_excluded_by_their_names(lists: Lists) -> None:
    lists.upload(
        1,
        **{
            "attributes.a": [1],
            "attributes.A": [2],
            "attributes.b": ["x"],
            "attributes.openinference.span.kind": ["LLM"],
            "eval.Q.label": ["good"],
            "eval.Q.score": [1.0],
        },
    )
    quality = {"name": "Q", "label": "good", "score": 1.0, "explanation": None}
    kind = {"openinference.span.kind": "LLM"}
    span = lists.one(included_columns=["attributes.A", "eval.Q.score", "attributes.no", "name"])
    assert span["attributes"] == {"A": 2}
    assert span["evaluations"] == [{**quality, "label": None}]
    assert (span["kind"], span["status_code"]) == ("LLM", "OK")
    span = lists.one(excluded_columns=["attributes.a", "name", "eval.Q.score", "kind"])
    assert span["attributes"] == {**kind, "A": 2, "b": "x"}
    assert span["evaluations"] == [{**quality, "score": None}]
    assert (span["name"], span["kind"]) == ("operation 0", "LLM")
    gone = [f"eval.Q.{field}" for field in ("label", "score", "explanation")]
    assert lists.one(excluded_columns=gone)["evaluations"] == []
    assert lists.one(included_columns=["attributes.b"])["evaluations"] == []


def test_texts_are_cut_at_any_depth_inside_attributes_only(lists: Lists) -> None:
    lists.upload(
        1,
        status_message=["a long message"],
        **{
            "attributes.t": ["👍👍👍👍"],
            "attributes.three": ["abc"],
            "attributes.metadata": ['{"a long key": ["abcd", {"k": "abcde"}], "n": 12345}'],
            "eval.Q.label": ["a long label"],
        },
    )
    span = lists.one(truncate_string_length=3)
    assert span["attributes"] == {
        "t": "👍👍…",
        "three": "abc",
        "metadata": {"a long key": ["ab…", {"k": "ab…"}], "n": 12345},
    }
    assert span["status_message"] == "a long message"
    assert span["evaluations"][0]["label"] == "a long label"
    assert lists.one(truncate_string_length=1)["attributes"]["t"] == "…"


def test_a_filter_selects_and_pages_go_on_with_it(lists: Lists) -> None:
    lists.upload(
        40,
        **{
            "attributes.n": list(range(40)),
            "eval.Q.label": ["good" if n % 4 == 0 else None for n in range(40)],
        },
    )
    assert lists.walk(3, filter="attributes.n >= 30") == ids(*reversed(range(30, 40)))
    assert lists.walk(3, filter="eval.Q.label = 'good'") == ids(*reversed(range(0, 40, 4)))
    assert lists.walk(3, filter="latency_ms > 1000") == []
    assert lists.walk(7, filter="status_code = 'OK' AND attributes.n < 5") == ids(4, 3, 2, 1, 0)


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


def test_pages_have_50_spans_unless_asked_otherwise(lists: Lists) -> None:
    lists.upload(600)
    assert len(lists.ids()) == 50
    assert len(lists.ids({"limit": 500})) == 500
    assert lists.page({"limit": 500})["pagination"]["has_more"] is True
    assert lists.ids({"limit": 1}) == ids(599)


def test_an_unknown_project_is_404(lists: Lists) -> None:
    lists.upload(1)
    for project in ("TW9kZWw6OTk5OTpub25l", lists.project, "nothing"):
        assert lists.post(project_id=project).status_code == 404


def test_a_cursor_is_bound_to_its_list(lists: Lists) -> None:
    lists.upload(20, **{"attributes.a": [1] * 20})
    window = {"start_time": iso(time.time_ns() - 3600 * 10**9)}
    cursor = lists.page({"limit": 5}, **window)["pagination"]["next_cursor"]
    assert lists.ids({"limit": 3, "cursor": cursor}, **window) == ids(14, 13, 12)
    others: list[dict[str, Any]] = [
        {},
        {"start_time": iso(time.time_ns() - 3601 * 10**9)},
        {**window, "end_time": iso(time.time_ns())},
        {**window, "filter": "attributes.a = 1"},
        {**window, "included_columns": ["attributes.a"]},
        {**window, "excluded_columns": ["attributes.a"]},
    ]
    for other in others:
        answer = lists.post({"cursor": cursor}, **other)
        assert answer.status_code == 400, other
        assert "cursor" in answer.json()["detail"]
    second = Lists(lists.caller, lists.tools)
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
    assert [span["context"]["span_id"] for span in page["spans"]] + rest == ids(1, 2, 3, 4, 5)


def test_old_sdks_get_a_value_where_they_need_one(lists: Lists) -> None:
    table = lists.tools.spans(1)
    table = table.set_column(5, "end_time", pa.array([None], pa.int64()))
    lists.caller.upload(table, lists.project)
    assert lists.one()["end_time"] is None
    identity = {"sdk-package-name": "arize", "sdk-version": "8.30.0"}
    lists.caller.rest.headers.update(identity)
    span = lists.one()
    assert span["end_time"] == span["start_time"]


def test_an_annotation_comes_with_its_span(lists: Lists) -> None:
    lists.upload(2)
    rows = pa.table(
        {
            "context.span_id": ids(1),
            "annotation.Quality.label": ["good"],
            "annotation.Quality.score": [0.5],
            "annotation.Quality.updated_by": ["a@b.c"],
            "annotation.Quality.updated_at": [1_767_326_645_678],
        }
    )
    lists.caller.put(rows, lists.project, kind="annotations")
    annotated, other = lists.page()["spans"]
    assert other["annotations"] == []
    assert annotated["annotations"] == [
        {
            "name": "Quality",
            "label": "good",
            "score": 0.5,
            "text": None,
            "updated_at": "2026-01-02T04:04:05.678000Z",
            "annotator": {"id": "a@b.c", "email": "a@b.c"},
        }
    ]


def test_an_annotation_of_the_trace_has_a_place_of_its_own_unless_that_fails(
    lists: Lists,
) -> None:
    lists.upload(1)
    values = [{"name": "Whole", "label": "good"}]
    body = {
        "project_id": lists.project_id,
        "granularity": "TRACE",
        "annotations": [{"record_id": "span-000000000000", "values": values}],
    }
    assert lists.caller.rest.post("/v2/spans/annotate", json=body).status_code == 202
    span = lists.one()
    assert (span["annotations"], span["trace_annotations"][0]["label"]) == ([], "good")
    # Up to this version an unknown member fails the whole answer.
    old = {"sdk-package-name": "arize", "sdk-version": "8.40.0"}
    lists.caller.rest.headers.update(old)
    span = lists.one()
    assert "trace_annotations" not in span
    assert span["annotations"][0]["label"] == "good"


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
    rows = pa.table({"context.span_id": ids(49), "eval.Q.label": ["late"]})
    lists.caller.put(rows, lists.project)
    page = lists.page({"limit": 5, "cursor": page["pagination"]["next_cursor"]})
    assert page["spans"][0]["evaluations"][0]["label"] == "late"
    body = {"project_id": lists.project_id, "span_ids": ids(44)}
    assert lists.caller.rest.request("DELETE", "/v2/spans", json=body).status_code == 200
    page = lists.page({"limit": 5, "cursor": page["pagination"]["next_cursor"]})
    assert page["spans"][0]["context"]["span_id"] == "span-000000000043"


def test_the_limit_may_change_from_page_to_page(lists: Lists) -> None:
    lists.upload(200, **{"attributes.n": list(range(200))})
    found: list[str] = []
    cursor: str | None = None
    window = {"end_time": iso(time.time_ns())}
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
    assert found == ids(*reversed(range(200)))


def test_other_methods_are_not_answered(lists: Lists) -> None:
    assert lists.caller.rest.get("/v2/spans").status_code == 405
    assert lists.caller.rest.get("/v2/traces").status_code == 405
