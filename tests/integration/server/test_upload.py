from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from spanduck._wire import JSON_VALID, JSON_VALID_FIELD_KEY, upload_headers

if TYPE_CHECKING:
    import httpx


def test_spans_come_back_as_they_were_sent(caller: Any, tools: Any) -> None:
    sent = tools.spans(
        10,
        **{
            "attributes.llm.model_name": ["gpt-4o"] * 10,
            "attributes.llm.token_count.total": pa.array([1, None] * 5, pa.int64()),
            "attributes.cost": [0.25] * 10,
            "attributes.flag": [True, False] * 5,
            "attributes.unicode ✓ name": ["naïve ☃"] * 10,
            "attributes.none": pa.nulls(10),
            "events": [['{"name": "e", "attributes": {"exception.type": "X"}}']] * 10,
        },
    )
    caller.upload(sent, "round")
    back = caller.export("round").sort_by("start_time")
    for name in sent.column_names:
        assert back[name].to_pylist() == sent[name].to_pylist(), name
    assert back.schema.field("attributes.cost").type == pa.float64()
    assert back.schema.field("attributes.none").type == pa.string()
    assert back["latency_ms"].to_pylist() == [1.5] * 10
    assert back.schema.field("time").type == pa.timestamp("ms", tz="UTC")
    assert back["event.attributes"].to_pylist() == ['[{"exception.type":"X"}]'] * 10


def test_columns_are_exported_core_first_then_as_first_seen(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1, **{"attributes.z": ["1"], "attributes.A": ["2"]}), "order")
    caller.upload(
        tools.spans(1, first=1, **{"attributes.a": ["3"], "attributes.z": ["4"]}), "order"
    )
    names = caller.info("order").schema.names
    assert names[:3] == ["time", "context.span_id", "context.trace_id"]
    assert names[12:] == ["events", "attributes.z", "attributes.A", "attributes.a"]
    rows = caller.rows("order")
    assert rows["span-000000000000"]["attributes.A"] == "2"
    assert rows["span-000000000000"]["attributes.a"] is None
    assert rows["span-000000000001"]["attributes.a"] == "3"


def test_an_upload_of_an_id_again_replaces_all_columns_and_keeps_evaluations(
    caller: Any, tools: Any
) -> None:
    evaluated = tools.spans(
        2, **{"attributes.a": ["x", "y"], "eval.Q.label": ["good", "bad"], "eval.Q.score": [1, 0]}
    )
    caller.upload(evaluated, "again")
    caller.upload(tools.spans(1, **{"attributes.b": [5]}), "again")
    rows = caller.rows("again")
    assert len(rows) == 2
    assert rows["span-000000000000"]["attributes.a"] is None
    assert rows["span-000000000000"]["attributes.b"] == 5
    assert rows["span-000000000000"]["eval.Q.label"] == "good"
    assert rows["span-000000000001"]["attributes.a"] == "y"
    assert rows["span-000000000001"]["eval.Q.score"] == 0.0


def test_of_rows_that_repeat_an_id_the_last_wins(caller: Any, tools: Any) -> None:
    twice = pa.concat_tables(
        [
            tools.spans(3, **{"attributes.a": ["1", "2", "3"]}),
            tools.spans(2, **{"attributes.a": ["4", None]}),
        ]
    )
    caller.upload(twice, "twice")
    rows = caller.rows("twice")
    assert {key: row["attributes.a"] for key, row in rows.items()} == {
        "span-000000000000": "4",
        "span-000000000001": None,
        "span-000000000002": "3",
    }


def test_evaluations_alone_are_told_apart_by_their_columns(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(2), "alone")
    only = pa.table(
        {
            "context.span_id": ["span-000000000001", "span-of-nobody"],
            "trace_eval.Q.label": ["good", "bad"],
        }
    )
    assert caller.post(tools.body(only, "alone"), rows=2).status_code == 200
    rows = caller.rows("alone")
    assert len(rows) == 2
    assert rows["span-000000000001"]["trace_eval.Q.label"] == "good"
    assert rows["span-000000000000"]["trace_eval.Q.label"] is None


def test_a_span_without_an_end_is_accepted(caller: Any, tools: Any) -> None:
    table = tools.spans(1).set_column(5, "end_time", pa.nulls(1, pa.int64()))
    caller.upload(table, "endless")
    (row,) = caller.rows("endless").values()
    assert row["end_time"] is None
    assert row["latency_ms"] is None


AT = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
# What is sent, and what is exported of it.
OTHER_KINDS = {
    "texts": (pa.array([["1", None]]), ["1", None]),
    "dictionary": (pa.array(["d"]).dictionary_encode(), "d"),
    "large": (pa.array(["l"], pa.large_string()), "l"),
    "view": (pa.array(["v"], pa.string_view()), "v"),
    "stamp": (pa.array([AT], pa.timestamp("us", "Europe/Paris")), "2026-01-02T03:04:05.678901Z"),
    "naive": (
        pa.array([AT.replace(tzinfo=None)], pa.timestamp("us")),
        "2026-01-02T03:04:05.678901",
    ),
    "date": (pa.array([date(2026, 1, 2)]), "2026-01-02"),
    "duration": (pa.array([timedelta(milliseconds=1)]), 1_000_000),
    "binary": (pa.array([b"\xff\x00"]), "/wA="),
    "money": (pa.array([Decimal("1.25")], pa.decimal128(10, 2)), 1.25),
    "wide": (
        pa.array([Decimal("12345678901234567890.5")], pa.decimal128(30, 1)),
        "12345678901234567890.5",
    ),
    "small": (pa.array([7], pa.int8()), 7),
    "half": (pa.array([0.5], pa.float32()), 0.5),
    "uint": (pa.array([2**63 - 1], pa.uint64()), 2**63 - 1),
}
NESTED = {
    "struct": (pa.array([{"a": 1, "b": [None, "x"]}]), {"a": 1, "b": [None, "x"]}),
    "map": (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), {"k": 1}),
    "ints": (pa.array([[1, 2]]), [1, 2]),
}


def test_values_without_a_kind_of_their_own_keep_their_whole_value(caller: Any, tools: Any) -> None:
    kinds = {**OTHER_KINDS, **NESTED}
    sent = tools.spans(1, **{f"attributes.{name}": array for name, (array, _) in kinds.items()})
    caller.upload(sent, "types")
    (row,) = caller.rows("types").values()
    found = {name: row[f"attributes.{name}"] for name in kinds}
    found |= {name: json.loads(found[name]) for name in NESTED}
    assert found == {name: value for name, (_, value) in kinds.items()}


def test_events_may_come_as_structs_or_as_one_text(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1, events=pa.array([[{"name": "e", "attributes": {"k": 1}}]])), "ev")
    caller.upload(tools.spans(1, first=1, events=['[{"name": "f"}]']), "ev")
    caller.upload(tools.spans(1, first=2, events=pa.nulls(1)), "ev")
    caller.upload(tools.spans(1, first=3, events=pa.array([[]], pa.list_(pa.null()))), "ev")
    rows = caller.rows("ev")
    assert [json.loads(e) for e in rows["span-000000000000"]["events"]] == [
        {"name": "e", "attributes": {"k": 1}}
    ]
    assert rows["span-000000000000"]["event.attributes"] == '[{"k":1}]'
    assert [json.loads(e) for e in rows["span-000000000001"]["events"]] == [{"name": "f"}]
    assert rows["span-000000000002"]["events"] is None
    assert rows["span-000000000003"]["events"] == []


@pytest.mark.parametrize(
    ("values", "marked"),
    [
        (['{"a": 1}', None], True),
        (['{"a": 1}', ""], False),
        (['{"a": 1}', "{broken"], False),
    ],
)
def test_a_json_column_is_marked_while_every_text_in_it_is_json(
    caller: Any, tools: Any, values: list[str | None], *, marked: bool
) -> None:
    project = f"marked {values[1]}"
    name = "attributes.metadata"

    def is_marked(column: str) -> bool:
        metadata = caller.info(project).schema.field(column).metadata or {}
        return metadata.get(JSON_VALID_FIELD_KEY) == JSON_VALID

    caller.upload(tools.spans(1, **{name: ["{}"], "attributes.llm.tools": [["1"]]}), project)
    assert is_marked(name)
    caller.upload(
        tools.spans(2, first=1, **{name: values, "attributes.llm.tools": [values, []]}), project
    )
    assert is_marked(name) == marked
    assert is_marked("attributes.llm.tools") == marked
    assert not is_marked("attributes.openinference.span.kind")


def _refusal(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    assert document["title"]
    detail: str = document["detail"]
    return detail


@pytest.mark.parametrize(
    ("column", "named"),
    [
        (pa.array([None], pa.month_day_nano_interval()), "month_day_nano_interval"),
        (pa.array([Decimal(1)], pa.decimal256(40, 0)), "decimal256"),
        (pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]), "union"),
        (
            pa.StructArray.from_arrays([pa.array([Decimal(1)], pa.decimal256(40, 0))], ["x"]),
            "decimal256",
        ),
    ],
)
def test_an_impossible_type_is_refused_by_column_and_type(
    caller: Any, tools: Any, column: pa.Array, named: str
) -> None:
    table = tools.spans(1, **{"attributes.bad": column})
    response = caller.post(tools.body(table, "refused"), rows=1)
    assert response.status_code == 400
    assert "attributes.bad" in _refusal(response)
    assert named in _refusal(response)


def test_an_unknown_extension_type_is_refused(caller: Any, tools: Any) -> None:
    table = tools.spans(1, **{"attributes.bad": ["x"]})
    index = table.schema.get_field_index("attributes.bad")
    marked = table.schema.field(index).with_metadata({"ARROW:extension:name": "acme.secret"})
    table = pa.Table.from_arrays(table.columns, schema=table.schema.set(index, marked))
    response = caller.post(tools.body(table, "refused"), rows=1)
    assert response.status_code == 400
    assert "acme.secret" in _refusal(response)


@pytest.mark.parametrize(
    ("column", "values", "named"),
    [
        ("context.span_id", ["a-span-id-1", None], "row 1 has no context.span_id"),
        ("context.span_id", ["", "a-span-id-1"], "row 0 has no context.span_id"),
        ("context.trace_id", ["t", None], "row 1 has no context.trace_id"),
        ("start_time", pa.array([time.time_ns(), None], pa.int64()), "row 1 has no start_time"),
        ("start_time", ["2026-01-01", "2026-01-01"], "has the type string"),
        ("start_time", [time.time_ns(), 1], "row 1 (span 'span-000000000001')"),
        (
            "start_time",
            [time.time_ns() - 6 * 365 * 86_400 * 10**9, time.time_ns()],
            "older than 1825 days",
        ),
        (
            "start_time",
            [time.time_ns(), time.time_ns() + 366 * 86_400 * 10**9],
            "over 365 days ahead",
        ),
        ("attributes.u", pa.array([1, 2**64 - 1], pa.uint64()), "attributes.u"),
    ],
)
def test_a_value_that_cannot_be_stored_refuses_the_whole_call(
    caller: Any, tools: Any, column: str, values: Any, named: str
) -> None:
    table = tools.spans(2)
    array = values if isinstance(values, pa.Array) else pa.array(values)
    index = table.schema.get_field_index(column)
    table = (
        table.append_column(column, array) if index < 0 else table.set_column(index, column, array)
    )
    response = caller.post(tools.body(table, "never"), rows=2)
    assert response.status_code == 400
    assert named in _refusal(response)
    listed = caller.rest.get("/v2/projects", params={"name": "never"}).json()
    assert listed["projects"] == []


def test_an_upload_that_is_no_arrow_stream_is_refused(caller: Any, tools: Any) -> None:
    whole = tools.body(tools.spans(100), "garbage")
    broken = bytearray(whole)
    # The offsets of the first text column: reading them unchecked would leave the process.
    at = whole.index(b"span-000000000000") - 64
    broken[at : at + 16] = b"\xff" * 16
    for content in (b"", b"garbage", whole[: len(whole) // 2], bytes(broken)):
        response = caller.post(content, rows=100)
        assert response.status_code == 400, content[:20]
        assert _refusal(response)
    assert caller.rest.get("/v2/projects", params={"name": "garbage"}).json()["projects"] == []


def test_text_that_is_no_utf8_is_refused(caller: Any, tools: Any) -> None:
    text = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
    )
    response = caller.post(tools.body(tools.spans(1, **{"attributes.t": text}), "garbage"), rows=1)
    assert response.status_code == 400
    assert "UTF" in _refusal(response)


def test_a_body_cut_between_its_batches_is_refused(caller: Any, tools: Any) -> None:
    short = tools.body(tools.spans(10), "cut")
    response = caller.post(short, rows=20)
    assert response.status_code == 400
    assert "10 of 20 rows" in _refusal(response)


def test_an_upload_without_a_project_or_columns_is_refused(caller: Any, tools: Any) -> None:
    bare = tools.spans(1)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, bare.schema) as writer:
        writer.write_table(bare)
    assert "arize-schema" in _refusal(caller.post(sink.getvalue().to_pybytes()))
    headless = bare.drop_columns(["context.trace_id"])
    assert "context.trace_id" in _refusal(caller.post(tools.body(headless, "x")))
    assert "no space 'nowhere'" in _refusal(caller.post(tools.body(bare, "x"), space="nowhere"))
    twice = bare.append_column("name", bare["name"])
    assert "'name' occurs 2 times" in _refusal(caller.post(tools.body(twice, "x")))
    headers = upload_headers(caller.server.api_key, "default", 1) | {"number-of-rows": "many"}
    response = caller.rest.post("/v1/pandas_arrow", content=b"", headers=headers)
    assert "number-of-rows" in _refusal(response)


def test_an_upload_that_fails_midway_leaves_the_project_as_it_was(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(5, **{"attributes.a": ["x"] * 5}), "atomic")
    before = caller.export("atomic")
    # The spans are in order; the evaluations, which are written after them, are not.
    half = tools.spans(5, **{"attributes.a": ["y"] * 5, "eval.Q.score": ["no number"] * 5})
    assert caller.post(tools.body(half, "atomic"), rows=5).status_code == 400
    assert caller.export("atomic").equals(before)


def test_a_space_may_be_given_by_name(caller: Any, tools: Any) -> None:
    table = tools.spans(1)
    response = caller.post(tools.body(table, "by name"), rows=1, space=caller.server.space)
    assert response.status_code == 200
    assert len(caller.rows("by name")) == 1


def test_an_empty_upload_creates_the_project(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(0, **{"attributes.a": pa.array([], pa.int64())}), "empty")
    assert caller.export("empty").num_rows == 0
    assert "attributes.a" in caller.info("empty").schema.names
