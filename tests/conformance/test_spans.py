"""Spans that are uploaded come back by export with the values they went in with."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.clients import Client

    MakeSpans = Callable[..., pd.DataFrame]

UNICODE = "naïve 東京 🦆 \u202eright-to-left\u202c e\u0301 \0 nul"


def decoded(value: Any) -> Any:
    """Undo the JSON text in which the protocol carries what is no scalar."""
    if isinstance(value, str):
        return json.loads(value)
    return value


def test_core_columns_come_back_as_they_went_in(client: Client, make_spans: MakeSpans) -> None:
    spans = make_spans(7)
    client.log(spans)
    table = client.export()
    assert table.schema.field("start_time").type == pa.int64()
    assert table.schema.field("end_time").type == pa.int64()
    assert pa.types.is_timestamp(table.schema.field("time").type)
    rows = client.rows_by_id()
    assert len(rows) == 7
    for sent in spans.to_dict("records"):
        got = rows[sent["context.span_id"]]
        assert got["context.trace_id"] == sent["context.trace_id"]
        assert got["parent_id"] == (sent["parent_id"] or None)
        assert got["name"] == sent["name"]
        assert got["start_time"] == sent["start_time"]
        assert got["end_time"] == sent["end_time"]
        assert got["status_code"] == sent["status_code"]
        assert got["attributes.openinference.span.kind"] == sent["span_kind"]
        assert got["latency_ms"] == 1500.0
        assert got["time"] is not None


SCALARS: dict[str, list[Any]] = {
    "string": ["a", "", "b"],
    "unicode": [UNICODE, UNICODE[::-1], ""],
    "int": [0, -(2**63), 2**63 - 1],
    "float": [0.1, -1e300, 5e-324],
    "bool": [True, False, True],
    "text that looks like JSON": ['{"a": 1}', "[1]", "null"],
    "text that looks like a number": ["007", "1e5", "-0"],
}


@pytest.mark.parametrize("kind", SCALARS)
def test_a_custom_scalar_comes_back_in_its_own_type(
    client: Client, make_spans: MakeSpans, kind: str
) -> None:
    values = SCALARS[kind]
    client.log(make_spans(3, **{"attributes.custom.value": values}))
    column = client.export()
    got = {row["context.span_id"]: row["attributes.custom.value"] for row in column.to_pylist()}
    assert [got[f"span-{i:010}"] for i in range(3)] == values
    assert [type(got[f"span-{i:010}"]) for i in range(3)] == [type(value) for value in values]


STRUCTURED: dict[str, list[Any]] = {
    "list of str": [["a", UNICODE], [], ["", "x"]],
    "list of int": [[1, -2], [], [2**62]],
    "list of float": [[0.5, 1e-9], [], [3.0]],
    "dict": [
        {"a": 1, "b": UNICODE, "c": True},
        {"a": -1, "b": "", "c": False},
        {"a": 2**53, "b": "x", "c": True},
    ],
    "nested dict": [{"a": {"b": [1, 2]}}, {"a": {"b": []}}, {"a": {"b": [3]}}],
    "list of dict": [[{"k": "v"}, {"k": "w"}], [], [{"k": UNICODE}]],
}


@pytest.mark.parametrize("kind", STRUCTURED)
def test_a_custom_list_or_dict_is_equal_after_json_decoding(
    client: Client, make_spans: MakeSpans, kind: str
) -> None:
    values = STRUCTURED[kind]
    client.log(make_spans(3, **{"attributes.custom.value": values}))
    rows = client.rows_by_id()
    got = [decoded(rows[f"span-{i:010}"]["attributes.custom.value"]) for i in range(3)]
    if kind == "list of dict":
        got = [[decoded(item) for item in items] for items in got]
    assert got == values


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", None, "b"], ["a", None, "b"]),
        ([True, None, False], [True, None, False]),
        # pandas has made doubles of integers beside a null before any client sees them.
        ([1, None, 2], [1.0, None, 2.0]),
        ([["a"], None, ["b"]], [["a"], None, ["b"]]),
        ([None, None, None], [None, None, None]),
    ],
    ids=["string", "bool", "int", "list", "all null"],
)
def test_nulls_stay_null(
    client: Client, make_spans: MakeSpans, values: list[Any], expected: list[Any]
) -> None:
    client.log(make_spans(3, **{"attributes.custom.value": values}))
    rows = client.rows_by_id()
    assert [rows[f"span-{i:010}"]["attributes.custom.value"] for i in range(3)] == expected


def test_names_that_differ_by_case_or_hold_any_character_stay_apart(
    client: Client, make_spans: MakeSpans
) -> None:
    columns = {
        "attributes.custom.Model": ["upper"],
        "attributes.custom.model": ["lower"],
        "attributes.größe 🦆": ["unicode"],
        "attributes.with \"quotes\" and 'more'": ["quotes"],
        "attributes.semi;colon--": ["sql"],
    }
    client.log(make_spans(1, **columns))
    (row,) = client.export().to_pylist()
    assert {name: [row[name]] for name in columns} == columns


def test_messages_and_dictionaries_are_objects_again_in_the_frame(
    client: Client, make_spans: MakeSpans
) -> None:
    messages = [
        {"message.role": "user", "message.content": UNICODE},
        {
            "message.role": "assistant",
            "message.tool_calls": [
                {"tool_call.function.name": "f", "tool_call.function.arguments": '{"x": 1}'}
            ],
        },
    ]
    columns = {
        "attributes.llm.input_messages": [messages],
        "attributes.llm.output_messages": [[]],
        "attributes.llm.invocation_parameters": ['{"temperature": 1.0}'],
        "attributes.llm.prompt_template.variables": [{"question": UNICODE}],
        "attributes.metadata": [{"a": 1, "b": [1, "x"], "deep": {"z": {"y": None}}}],
    }
    client.log(make_spans(1, **columns))
    (row,) = client.export_to_df().to_dict("records")
    assert row["attributes.llm.input_messages"] == messages
    assert row["attributes.llm.output_messages"] == []
    assert row["attributes.llm.invocation_parameters"] == '{"temperature": 1.0}'
    assert row["attributes.llm.prompt_template.variables"] == {"question": UNICODE}
    metadata = row["attributes.metadata"]
    assert (metadata["a"], metadata["b"]) == (1, [1, "x"])
    # A dictionary inside a dictionary is encoded once more on the way.
    assert decoded(decoded(metadata["deep"])["z"]) == {"y": None}


def test_events_are_lists_of_json_texts(
    client: Client, make_spans: MakeSpans, noon: datetime
) -> None:
    event = {
        "name": "exception",
        "timestamp": noon.isoformat(),
        "attributes": {"exception.message": UNICODE},
    }
    client.log(make_spans(2, events=[[event], []]))
    rows = client.rows_by_id()
    (text,) = rows["span-0000000000"]["events"]
    got = json.loads(text)
    assert (got["name"], got["timestamp"]) == ("exception", noon.isoformat())
    assert decoded(got["attributes"]) == {"exception.message": UNICODE}
    assert rows["span-0000000001"]["events"] == []
    assert "right-to-left" in rows["span-0000000000"]["event.attributes"]


# Ours says what the vendor's loses in silence.
@pytest.mark.filterwarnings("ignore:.* of evals_dataframe belong to no span:UserWarning")
def test_evaluations_uploaded_with_spans_are_joined_to_them(
    client: Client, make_spans: MakeSpans
) -> None:
    evaluations = pd.DataFrame(
        {
            "context.span_id": ["span-0000000000", "span-0000000002", "span-unknown"],
            "eval.Quality.label": ["good", "bad", "lost"],
            "eval.Quality.score": [1.0, 0.25, 9.0],
            "eval.Quality.explanation": [UNICODE, None, None],
        }
    )
    client.log(make_spans(3), evaluations)
    rows = client.rows_by_id()
    assert len(rows) == 3
    got = [
        tuple(rows[f"span-{i:010}"][f"eval.Quality.{part}"] for part in ("label", "score"))
        for i in range(3)
    ]
    assert got == [("good", 1.0), (None, None), ("bad", 0.25)]
    assert rows["span-0000000000"]["eval.Quality.explanation"] == UNICODE
    assert rows["span-0000000002"]["eval.Quality.explanation"] is None


def test_a_span_uploaded_again_replaces_its_columns_and_keeps_its_evaluations(
    client: Client, make_spans: MakeSpans
) -> None:
    evaluations = pd.DataFrame(
        {"context.span_id": ["span-0000000001"], "eval.Quality.label": ["good"]}
    )
    client.log(make_spans(2, **{"attributes.custom.old": ["a", "b"]}), evaluations)
    client.log(
        make_spans(2, **{"attributes.custom.new": ["c", "d"]}).tail(1).reset_index(drop=True)
    )
    rows = client.rows_by_id()
    first, second = rows["span-0000000000"], rows["span-0000000001"]
    assert (first["attributes.custom.old"], first["attributes.custom.new"]) == ("a", None)
    assert (second["attributes.custom.old"], second["attributes.custom.new"]) == (None, "d")
    assert second["eval.Quality.label"] == "good"


def test_of_two_rows_of_one_id_the_last_wins(client: Client, make_spans: MakeSpans) -> None:
    spans = make_spans(3, **{"attributes.custom.value": ["first", "other", "last"]})
    spans.loc[2, "context.span_id"] = "span-0000000000"
    client.log(spans, validate=False)
    rows = client.rows_by_id()
    assert len(rows) == 2
    assert rows["span-0000000000"]["attributes.custom.value"] == "last"


def test_a_span_doubled_by_a_join_of_the_client_is_one_span(
    client: Client, make_spans: MakeSpans
) -> None:
    evaluations = pd.DataFrame(
        {
            "context.span_id": ["span-0000000000", "span-0000000000"],
            "eval.Quality.label": ["first", "last"],
        }
    )
    client.log(make_spans(2), evaluations)
    rows = client.rows_by_id()
    assert len(rows) == 2
    assert rows["span-0000000000"]["eval.Quality.label"] == "last"


def test_an_attribute_sent_as_another_type_later_does_not_lose_values(
    client: Client, make_spans: MakeSpans
) -> None:
    spans = make_spans(3)
    values: list[Any] = [7, 0.5, "text"]
    for i, value in enumerate(values):
        one = spans.iloc[[i]].reset_index(drop=True)
        one["attributes.custom.value"] = [value]
        client.log(one)
        if i == 1:
            rows = client.rows_by_id()
            got = [rows[f"span-{n:010}"]["attributes.custom.value"] for n in range(2)]
            assert got == [7.0, 0.5]
    rows = client.rows_by_id()
    got = [rows[f"span-{n:010}"]["attributes.custom.value"] for n in range(3)]
    assert got == ["7", "0.5", "text"]


def test_an_upload_of_several_batches_arrives_whole(
    client: Client, make_spans: MakeSpans, noon: datetime
) -> None:
    count = 25_001
    client.log(make_spans(count, **{"attributes.custom.n": list(range(count))}))
    last = noon + timedelta(seconds=count)
    table = client.export(stream_chunk_size=3_000, end_time=last)
    numbers = sorted(table["attributes.custom.n"].to_pylist())
    assert numbers == list(range(count))


def test_projects_are_kept_apart(
    client: Client, connect: Callable[..., Client], make_spans: MakeSpans
) -> None:
    other = connect(client.name)
    client.log(make_spans(2, **{"attributes.custom.mine": ["x", "y"]}))
    other.log(make_spans(1))
    assert len(client.rows_by_id()) == 2
    (row,) = other.export().to_pylist()
    assert "attributes.custom.mine" not in row
