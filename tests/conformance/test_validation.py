"""Every rule of the vendor's client for spans, at its boundary: both take a frame or both refuse it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from tests.conformance.validation import (
    CRASHED,
    REFUSED,
    TAKEN,
    Case,
    Text,
    check,
    differs,
    limits,
    refused,
    taken,
)

import spanduck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spanduck.embedded import EmbeddedServer

NOW = datetime.now(UTC)
NOW_NS = int(NOW.timestamp()) * 10**9
DAY_NS = 86_400 * 10**9
MEGA = 4_000_000
MESSAGES = "attributes.llm.input_messages"
DOCUMENTS = "attributes.retrieval.documents"
EMBEDDINGS = "attributes.embedding.embeddings"
OBJECT_OF_NULLS = "a number is a number whatever the dtype of its column"
CRASH = "the vendor's crashes, ours names the row"


def of(column: str, element: Any) -> dict[str, Any]:
    """Return a column of lists, empty but for one element."""
    return {column: [[], [element]]}


def call(**function: Any) -> dict[str, Any]:
    named = {f"tool_call.function.{name}": value for name, value in function.items()}
    return {"message.tool_calls": [named]}


def metadata(value: Any) -> dict[str, Any]:
    return {"document.metadata": value}


def rows(*cases: tuple[str, str, Any]) -> list[Case]:
    """Cases of elements of lists."""
    return [
        Case(f"{column} {number}", of(column, element), ours)
        for number, (column, ours, element) in enumerate(cases)
    ]


def unlike(*cases: tuple[str, str, str, str, Any]) -> list[Case]:
    return [
        Case(f"{column} differs {number}", of(column, element), ours, vendor, reason)
        for number, (column, ours, vendor, reason, element) in enumerate(cases)
    ]


FORM = [
    taken("a right frame"),
    *(
        refused(f"no {name}", **{name.replace(".", "__"): ...})
        for name in ("context.span_id", "name")
    ),
    refused("no context.trace_id", context__trace_id=...),
    differs("no start_time", REFUSED, CRASHED, CRASH, start_time=...),
    differs("no end_time", REFUSED, CRASHED, CRASH, end_time=...),
    *(
        refused(f"a null {name}", **{name.replace(".", "__"): [None, "x" * 16]})
        for name in ("context.span_id", "context.trace_id", "name")
    ),
    differs(
        "a null start_time",
        REFUSED,
        CRASHED,
        CRASH,
        start_time=pd.Series([NOW_NS, None], dtype=object),
    ),
    taken("other columns are dropped", colour=["red", 1], eval__Q__label=["a", "b"]),
    refused("a number for a text", parent_id=7),
    refused("a text for a number", attributes__llm__token_count__total=["1", "2"]),
    taken("numbers", attributes__llm__token_count__total=[1, 2.5]),
    taken("a missing number", attributes__llm__token_count__total=[1, np.nan]),
    taken("booleans for numbers", attributes__llm__token_count__total=[True, False]),
    differs(
        "an object of a number and a null",
        TAKEN,
        REFUSED,
        OBJECT_OF_NULLS,
        attributes__llm__token_count__total=pd.Series([1, None], dtype=object),
    ),
    taken("booleans", attributes__exception__escaped=[True, False]),
    differs(
        "a boolean and a null",
        TAKEN,
        REFUSED,
        OBJECT_OF_NULLS,
        attributes__exception__escaped=pd.Series([True, None], dtype=object),
    ),
    refused("numbers for booleans", attributes__exception__escaped=[1, 0]),
    taken("a dictionary", attributes__metadata={"a": 1}),
    refused("a dictionary with a number for a key", attributes__metadata={1: 2}),
    differs(
        "the JSON text of a dictionary",
        TAKEN,
        REFUSED,
        "an export has these columns as texts, and is sent again as it is",
        attributes__metadata='{"a": 1}',
    ),
    refused("a number for a dictionary", attributes__metadata=7),
    refused("a list of numbers", attributes__llm__tools=[[], [1]]),
    refused("a list with a null", attributes__llm__tools=[[], [None]]),
    refused("a dictionary for a list", attributes__llm__tools={"a": 1}),
    differs(
        "a list of JSON texts",
        TAKEN,
        REFUSED,
        "an export has these columns as texts, and is sent again as it is",
        attributes__llm__tools=[[], ['{"a": 1}']],
    ),
    taken("a null list", attributes__llm__tools=[None, [{"a": 1}]]),
    taken("an array", attributes__llm__tools=pd.Series([[], np.array([{"a": 1}], dtype=object)])),
    differs("null events", TAKEN, CRASHED, "a null list is an empty one", events=[None, []]),
    refused("a dictionary for JSON", attributes__llm__invocation_parameters={"a": 1}),
    refused("no JSON", attributes__llm__invocation_parameters="{'a': 1}"),
    refused("empty JSON", attributes__tool__parameters=""),
    taken("JSON", attributes__tool__parameters="[1]"),
    *(taken(f"status {code}", status_code=code) for code in ("OK", "error", "Unset")),
    refused("another status", status_code="FINE"),
    refused("an empty status", status_code=""),
]
LENGTHS = [
    *limits("context.span_id", 128, fewest=12),
    *limits("context.trace_id", 128, fewest=12),
    *limits("parent_id", 128),
    *limits("name", 50),
    *limits("status_message", 10_000),
    *limits("attributes.openinference.span.kind", 128),
    *limits("attributes.exception.message", 100),
    *limits("attributes.exception.stacktrace", 10_000),
    *limits("attributes.input.value", MEGA),
    *limits("attributes.output.value", MEGA),
    *limits("attributes.llm.prompt_template.template", MEGA),
    *limits("attributes.input.mime_type", 100),
    *limits("attributes.output.mime_type", 100),
    *limits("attributes.embedding.model_name", 100),
    *limits("attributes.llm.model_name", 100),
    *limits("attributes.llm.prompt_template.version", 100),
    *limits("attributes.tool.name", 100),
    *limits("attributes.tool.description", 1_000),
    *limits("attributes.reranker.query", 10_000),
    *limits("attributes.reranker.model_name", 100),
    *limits("attributes.session.id", 128),
    *limits("attributes.user.id", 128),
    differs(
        "span_kind 129",
        REFUSED,
        TAKEN,
        "the vendor's looks at the attribute only, before span_kind is renamed to it",
        span_kind=Text(129),
    ),
    taken("any span kind", span_kind="MY KIND"),
    taken("parameters of 1,000", attributes__tool__parameters=f'"{"x" * 998}"'),
    refused("parameters of 1,001", attributes__tool__parameters=f'"{"x" * 999}"'),
    taken("empty texts", parent_id="", name="", status_message=""),
]
TIMES = [
    taken("ISO 8601", start_time=[f"{NOW:%Y-%m-%dT%H:%M:%SZ}"] * 2, end_time=[NOW.isoformat()] * 2),
    taken("times with a zone", start_time=[NOW, NOW], end_time=[NOW, NOW]),
    taken(
        "one of each",
        start_time=pd.Series([NOW.isoformat(), NOW], dtype=object),
        end_time=[NOW_NS + 10**9] * 2,
    ),
    refused("no time", start_time=pd.Series([True, True], dtype=object)),
    differs(
        "a text that is no time", REFUSED, CRASHED, CRASH, start_time=["yesterday", "yesterday"]
    ),
    refused("floats", start_time=[float(NOW_NS), float(NOW_NS)]),
    differs(
        "dates",
        TAKEN,
        REFUSED,
        "a date is its midnight, UTC, as in SQL",
        start_time=pd.Series([NOW.date()] * 2, dtype=object),
    ),
    taken("four years back", start_time=[NOW_NS - 1_824 * DAY_NS] * 2),
    refused("five years back and a day", start_time=[NOW_NS - 1_826 * DAY_NS] * 2),
    taken("a year ahead", end_time=[NOW_NS + 364 * DAY_NS] * 2),
    refused("a year ahead and a day", end_time=[NOW_NS + 366 * DAY_NS] * 2),
    refused("seconds for nanoseconds", start_time=[NOW_NS // 10**9] * 2),
    taken("an end at the start", end_time=[NOW_NS] * 2),
    refused("an end before the start", end_time=[NOW_NS - 1] * 2),
    refused("a start after the end", start_time=[NOW + timedelta(hours=1)] * 2),
]
ELEMENTS = [
    *rows(
        (MESSAGES, TAKEN, {"message.role": Text(100)}),
        (MESSAGES, REFUSED, {"message.role": Text(101)}),
        (MESSAGES, TAKEN, {"message.role": None, "message.content": ""}),
        (MESSAGES, TAKEN, {"message.content": Text(MEGA)}),
        (MESSAGES, REFUSED, {"message.content": Text(MEGA + 1)}),
        (MESSAGES, TAKEN, {"message.content": [{"type": "text", "text": "parts"}]}),
        (MESSAGES, TAKEN, {"message.tool_calls": None}),
        (MESSAGES, TAKEN, {"message.tool_calls": []}),
        (MESSAGES, TAKEN, call(name=Text(500), arguments='{"a": 1}')),
        (MESSAGES, REFUSED, call(name=Text(501))),
        (MESSAGES, TAKEN, call(arguments="")),
        (MESSAGES, REFUSED, call(arguments="{")),
        (MESSAGES, REFUSED, call(arguments={"a": 1})),
        (MESSAGES, TAKEN, call(arguments={})),
        (MESSAGES, REFUSED, {1: "x"}),
        ("events", TAKEN, {"name": Text(100), "timestamp": 1, "attributes": {"a": 1}}),
        ("events", REFUSED, {"name": Text(101)}),
        ("events", REFUSED, {"attributes": "text"}),
        ("events", REFUSED, {"attributes": [1]}),
        ("events", TAKEN, {"attributes": None}),
        ("events", TAKEN, {"attributes": {}}),
        (EMBEDDINGS, TAKEN, {"embedding.vector": [0.5, 1.5], "embedding.text": "x"}),
        (EMBEDDINGS, TAKEN, {"embedding.vector": []}),
        (EMBEDDINGS, REFUSED, {"embedding.vector": [0.5]}),
        (EMBEDDINGS, REFUSED, {"embedding.vector": np.array([0.5])}),
        (EMBEDDINGS, TAKEN, {"embedding.vector": np.zeros(20_000)}),
        (EMBEDDINGS, REFUSED, {"embedding.vector": np.zeros(20_001)}),
        (EMBEDDINGS, TAKEN, {"embedding.text": Text(MEGA)}),
        (EMBEDDINGS, REFUSED, {"embedding.text": Text(MEGA + 1)}),
        (DOCUMENTS, TAKEN, {"document.id": Text(100), "document.content": "x"}),
        (DOCUMENTS, REFUSED, {"document.id": Text(101)}),
        (DOCUMENTS, TAKEN, {"document.content": Text(MEGA)}),
        (DOCUMENTS, REFUSED, {"document.content": Text(MEGA + 1)}),
        (DOCUMENTS, TAKEN, metadata({"a": 1, "b": 1.5, "c": "x", "d": True, "e": ["x", "y"]})),
        (DOCUMENTS, TAKEN, metadata({"a": [1, 2], "b": [True, False], "c": [], "d": [1.5]})),
        (DOCUMENTS, REFUSED, metadata({"a": None})),
        (DOCUMENTS, REFUSED, metadata({"a": [{}]})),
        (DOCUMENTS, REFUSED, metadata({"a": ["x", 1]})),
        (DOCUMENTS, REFUSED, metadata({"a": [None]})),
        (DOCUMENTS, REFUSED, metadata("text")),
        (DOCUMENTS, REFUSED, metadata([1])),
        (DOCUMENTS, TAKEN, metadata({})),
        (DOCUMENTS, TAKEN, metadata(None)),
        ("attributes.reranker.input_documents", REFUSED, {"document.id": Text(101)}),
        ("attributes.reranker.output_documents", REFUSED, {"document.id": Text(101)}),
        ("attributes.llm.output_messages", REFUSED, {"message.role": Text(101)}),
        ("attributes.llm.tools", TAKEN, {"anything": {"at": ["all"]}}),
    ),
    *unlike(
        (MESSAGES, REFUSED, CRASHED, CRASH, {"message.role": 7}),
        (MESSAGES, REFUSED, CRASHED, CRASH, {"message.content": 7}),
        (MESSAGES, REFUSED, CRASHED, CRASH, {"message.tool_calls": "text"}),
        (MESSAGES, REFUSED, CRASHED, CRASH, {"message.tool_calls": ["text"]}),
        (MESSAGES, REFUSED, CRASHED, CRASH, call(name=7)),
        ("events", REFUSED, CRASHED, CRASH, {"name": 7}),
        (EMBEDDINGS, REFUSED, CRASHED, CRASH, {"embedding.vector": 7}),
        (EMBEDDINGS, REFUSED, CRASHED, CRASH, {"embedding.text": 7}),
        (DOCUMENTS, REFUSED, CRASHED, CRASH, {"document.id": 7}),
        (DOCUMENTS, REFUSED, CRASHED, CRASH, {"document.content": 7}),
        (
            DOCUMENTS,
            TAKEN,
            REFUSED,
            "a dictionary directly in another travels as its JSON text, and a text it may be",
            metadata({"a": {"b": 1}}),
        ),
        (
            DOCUMENTS,
            TAKEN,
            REFUSED,
            "an integer among other numbers is a number",
            metadata({"a": [1, 1.5]}),
        ),
    ),
]


@pytest.fixture(scope="module")
def ours(server: EmbeddedServer) -> Iterator[spanduck.SpansClient]:
    settings: dict[str, Any] = {
        name.removeprefix("ARIZE_").lower(): value for name, value in server.environment().items()
    }
    with spanduck.SpansClient(**settings) as client:
        yield client


@pytest.fixture
def both(server: EmbeddedServer, vendor: Any, ours: Any) -> Callable[[Case, pd.DataFrame], None]:
    def send(case: Case, frame: pd.DataFrame) -> None:
        place = {"space_id": server.space_id, "project_name": "validation"}
        check(
            case,
            lambda: vendor.spans.log(dataframe=frame, **place),
            lambda: ours.log(dataframe=frame, **place),
        )

    return send


def right() -> dict[str, list[Any]]:
    return {
        "context.span_id": ["span-000000000000", "span-000000000001"],
        "context.trace_id": ["trace-00000000000"] * 2,
        "name": ["call", "call"],
        "start_time": [NOW_NS, NOW_NS],
        "end_time": [NOW_NS + 1, NOW_NS + 1],
    }


@pytest.mark.parametrize(
    "case", [*FORM, *LENGTHS, *TIMES, *ELEMENTS], ids=lambda case: case.name.replace(" ", "-")
)
def test_spans_are_taken_or_refused_by_both(case: Case, both: Any) -> None:
    frame = case.over(right())
    if "start_time" in case.columns and "end_time" not in case.columns:
        frame["end_time"] = NOW_NS + 1
    if "end_time" in case.columns and "start_time" not in case.columns:
        frame["start_time"] = NOW_NS
    both(case, frame)


def test_an_index_of_span_ids_is_a_column(both: Any) -> None:
    both(taken("an index"), pd.DataFrame(right()).set_index("context.span_id"))


def test_a_column_that_is_there_twice_is_refused(both: Any) -> None:
    frame = pd.DataFrame(right())
    twice = pd.concat([frame, frame[["name"]]], axis=1)
    both(refused("twice"), twice)


def test_a_format_of_times_that_is_no_text_is_refused(
    server: EmbeddedServer, vendor: Any, ours: Any
) -> None:
    arguments = {
        "space_id": server.space_id,
        "project_name": "validation",
        "dataframe": pd.DataFrame(right()),
        "datetime_format": 5,
    }
    case = refused("a number for a format")
    check(case, lambda: vendor.spans.log(**arguments), lambda: ours.log(**arguments))
