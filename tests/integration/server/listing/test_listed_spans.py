"""What a span looks like in the answer of `POST /v2/spans`."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

import pyarrow as pa

# A class of the folder's conftest, which is no module to import from.
Lists: TypeAlias = Any


def test_spans_come_newest_first_with_every_field(lists: Lists) -> None:
    table = lists.upload(3, status_message=["fine"] * 3)
    page = lists.page()
    assert page["pagination"] == {"has_more": False}
    assert [span["context"]["span_id"] for span in page["spans"]] == lists.named(2, 1, 0)
    start = table["start_time"][2].as_py()
    assert page["spans"][0] == {
        "name": "operation 2",
        "context": {"trace_id": "trace-000000000000", "span_id": "span-000000000002"},
        "kind": "UNKNOWN",
        "parent_id": None,
        "start_time": lists.iso(start),
        "end_time": lists.iso(start + 1_500_000),
        "status_code": "OK",
        "status_message": "fine",
        "attributes": {},
        "annotations": [],
        "evaluations": [],
        "events": [],
    }


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
    assert [by_id[span_id] for span_id in lists.named(*range(6))] == values
    assert [type(by_id[span_id]) for span_id in lists.named(*range(6))] == list(map(type, values))


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
            "context.span_id": lists.named(1),
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
