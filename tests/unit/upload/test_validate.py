from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from spanduck._upload.evaluations import EvaluationColumns
from spanduck._upload.kernels import Kernels
from spanduck._upload.prepare import Preparation
from spanduck._upload.problems import Problems
from spanduck._upload.times import DEFAULT_FORMAT
from spanduck._upload.validate import REQUIRED, check_columns, check_spans
from spanduck.exceptions import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = time.time_ns()
DAY = 86_400 * 10**9


@pytest.fixture(scope="module")
def kernels() -> Iterator[Kernels]:
    with Kernels() as made:
        yield made


def problems_of(kernels: Kernels, **columns: Any) -> list[str]:
    """Check one span, which is right but for what is given."""
    right: dict[str, Any] = {
        "context.span_id": "span-00000001",
        "context.trace_id": "trace-0000001",
        "name": "call",
        "start_time": NOW,
        "end_time": NOW,
    }
    given = {name: value for name, value in {**right, **columns}.items() if value is not ...}
    table = pa.table(
        {
            name: value if isinstance(value, pa.Array) else pa.array([value])
            for name, value in given.items()
        }
    )
    problems = Problems("dataframe")
    check_columns(table.column_names, REQUIRED, problems)
    preparation = Preparation(
        table.schema,
        datetime_format=DEFAULT_FORMAT,
        kernels=kernels,
        problems=problems,
        validate=True,
    )
    for batch in table.to_batches():
        check_spans(preparation.batch(batch, 0), batch, 0, kernels, problems)
    try:
        problems.raise_if_any()
    except ValidationError as told:
        return list(told.problems)
    return []


def test_a_right_span_has_no_problem(kernels: Kernels) -> None:
    assert problems_of(kernels) == []


@pytest.mark.parametrize(
    ("column", "longest"),
    [
        ("context.span_id", 128),
        ("context.trace_id", 128),
        ("parent_id", 128),
        ("name", 50),
        ("status_message", 10_000),
        ("span_kind", 128),
        ("attributes.openinference.span.kind", 128),
        ("attributes.exception.message", 100),
        ("attributes.exception.stacktrace", 10_000),
        ("attributes.input.value", 4_000_000),
        ("attributes.input.mime_type", 100),
        ("attributes.llm.model_name", 100),
        ("attributes.llm.prompt_template.version", 100),
        ("attributes.embedding.model_name", 100),
        ("attributes.tool.name", 100),
        ("attributes.tool.description", 1_000),
        ("attributes.reranker.query", 10_000),
        ("attributes.reranker.model_name", 100),
        ("attributes.session.id", 128),
        ("attributes.user.id", 128),
    ],
)
def test_texts_have_a_longest_length_in_characters(
    kernels: Kernels, column: str, longest: int
) -> None:
    assert problems_of(kernels, **{column: "é" * longest}) == []
    [problem] = problems_of(kernels, **{column: "é" * (longest + 1)})
    assert problem.startswith(f"{column}, row 0: longer than {longest:,} characters")
    assert len(problem) < 300


@pytest.mark.parametrize("column", ["context.span_id", "context.trace_id"])
def test_ids_have_a_shortest_length(kernels: Kernels, column: str) -> None:
    assert problems_of(kernels, **{column: "é" * 12}) == []
    [problem] = problems_of(kernels, **{column: "é" * 11})
    assert "shorter than 12 characters" in problem


@pytest.mark.parametrize("column", REQUIRED)
def test_required_columns_must_be_there_and_hold_values(kernels: Kernels, column: str) -> None:
    [problem] = problems_of(kernels, **{column: ...})
    assert problem.startswith(f"{column}: the column is missing")
    [problem] = problems_of(kernels, **{column: None})
    assert problem.startswith(f"{column}, row 0: null")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("soon", "start_time, row 0: the text is no time: 'soon'"),
        (True, "start_time: its type is bool, which holds no times"),
        (1.5, "start_time: its type is double"),
        (datetime(2500, 1, 1, tzinfo=UTC), "start_time, row 0: the time does not fit"),
    ],
)
def test_a_value_that_is_no_time_is_told_once(kernels: Kernels, value: Any, told: str) -> None:
    [problem] = problems_of(kernels, start_time=value)
    assert problem.startswith(told)


def test_a_null_beside_a_text_that_is_no_time_is_told_as_well(kernels: Kernels) -> None:
    columns = {name: pa.array([str(NOW)] * 3) for name in REQUIRED}
    columns |= {"start_time": pa.array(["soon", None, "now"]), "end_time": pa.array([NOW] * 3)}
    first, second = problems_of(kernels, **columns)
    assert first.startswith("start_time, row 0: the text is no time: 'soon' (and 1 more row).")
    assert second.startswith("start_time, row 1: null. ")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("name", 7),
        ("parent_id", b"bytes"),
        ("attributes.llm.token_count.total", "7"),
        ("attributes.exception.escaped", "true"),
        ("attributes.llm.invocation_parameters", {"temperature": 1}),
        ("attributes.metadata", 7),
        ("attributes.llm.input_messages", [1]),
        ("events", 7),
        ("start_time", True),
    ],
)
def test_a_wrong_type_is_told(kernels: Kernels, column: str, value: Any) -> None:
    problems = problems_of(kernels, **{column: value})
    assert problems[0].startswith(f"{column}: its type is ")


@pytest.mark.parametrize("status", ["OK", "ok", "Error", "UNSET", None])
def test_status_codes_are_taken_in_any_case(kernels: Kernels, status: str | None) -> None:
    assert problems_of(kernels, status_code=pa.array([status], pa.string())) == []


def test_another_status_code_is_told(kernels: Kernels) -> None:
    [problem] = problems_of(kernels, status_code="FINE")
    assert "'FINE'" in problem


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (NOW - 1_824 * DAY, NOW, []),
        (NOW - 1_826 * DAY, NOW, ["start_time"]),
        (NOW, NOW + 364 * DAY, []),
        (NOW, NOW + 366 * DAY, ["end_time"]),
        (NOW, NOW - 1, ["end_time"]),
        (1_700_000_000, 1_700_000_001, ["start_time", "end_time"]),
    ],
    ids=["old enough", "too old", "near enough", "too far", "end before start", "seconds"],
)
def test_times_have_limits(kernels: Kernels, start: int, end: int, expected: list[str]) -> None:
    problems = problems_of(kernels, start_time=start, end_time=end)
    assert [problem.split(",")[0] for problem in problems] == expected


@pytest.mark.parametrize(
    ("column", "text", "is_right"),
    [
        ("attributes.llm.invocation_parameters", '{"a": 1}', True),
        ("attributes.llm.invocation_parameters", "[1]", True),
        ("attributes.llm.invocation_parameters", "", False),
        ("attributes.llm.invocation_parameters", "{'a': 1}", False),
        ("attributes.tool.parameters", "{", False),
        ("attributes.metadata", '{"a": 1}', True),
        ("attributes.metadata", "", True),
        ("attributes.metadata", "x", False),
    ],
)
def test_json_must_be_json(kernels: Kernels, column: str, text: str, is_right: bool) -> None:
    assert (problems_of(kernels, **{column: text}) == []) is is_right


MESSAGES = "attributes.llm.output_messages"
DOCUMENTS = "attributes.retrieval.documents"
EMBEDDINGS = "attributes.embedding.embeddings"


def call(**function: Any) -> dict[str, Any]:
    named = {f"tool_call.function.{name}": value for name, value in function.items()}
    return {"message.tool_calls": [named]}


@pytest.mark.parametrize(
    ("column", "element", "rule"),
    [
        (MESSAGES, {"message.role": "x" * 100}, None),
        (MESSAGES, {"message.role": "x" * 101}, "message.role"),
        (MESSAGES, {"message.role": None, "message.content": "x" * 10_000}, None),
        (MESSAGES, {"message.content": "x" * 4_000_001}, "message.content"),
        (MESSAGES, call(name="x" * 500, arguments='{"a": 1}'), None),
        (MESSAGES, call(name="x" * 501), "tool_call.function.name"),
        (MESSAGES, call(arguments="{"), "tool_call.function.arguments is no valid JSON"),
        (MESSAGES, call(arguments=""), None),
        (MESSAGES, {"message.tool_calls": None}, None),
        (MESSAGES, {"message.tool_calls": []}, None),
        ("events", {"name": "x" * 100, "attributes": {"a": 1}}, None),
        ("events", {"name": "x" * 101}, "name of an event"),
        ("events", {"attributes": 7}, "attributes of an event"),
        ("events", {"attributes": "text"}, "attributes of an event"),
        ("events", {"attributes": [1]}, "attributes of an event"),
        ("events", {"attributes": None}, None),
        ("events", {"attributes": ""}, None),
        ("events", {"attributes": []}, None),
        ("events", {"attributes": 0}, None),
        ("events", {"attributes": False}, None),
        (EMBEDDINGS, {"embedding.vector": [0.5, 1.5]}, None),
        (EMBEDDINGS, {"embedding.vector": []}, None),
        (EMBEDDINGS, {"embedding.vector": [0.5]}, "one dimension"),
        (EMBEDDINGS, {"embedding.vector": [0] * 20_000}, None),
        (EMBEDDINGS, {"embedding.vector": [0] * 20_001}, "20,000 dimensions"),
        (EMBEDDINGS, {"embedding.text": "x" * 4_000_001}, "embedding.text"),
        (DOCUMENTS, {"document.id": "x" * 100, "document.metadata": None}, None),
        (DOCUMENTS, {"document.id": "x" * 101}, "document.id"),
        (DOCUMENTS, {"document.content": "x" * 4_000_001}, "document.content"),
        (DOCUMENTS, {"document.metadata": {"a": 1, "b": ["x", "y"], "c": True}}, None),
        (DOCUMENTS, {"document.metadata": {}}, None),
        (DOCUMENTS, {"document.metadata": "text"}, "document.metadata is no dictionary"),
        (DOCUMENTS, {"document.metadata": [1]}, "document.metadata is no dictionary"),
        (DOCUMENTS, {"document.metadata": {"a": None}}, "document.metadata holds more"),
        (DOCUMENTS, {"document.metadata": {"a": [{}]}}, "document.metadata holds more"),
        ("attributes.llm.tools", {"anything": {"at": ["all"]}}, None),
    ],
)
def test_what_elements_may_hold(
    kernels: Kernels, column: str, element: dict[str, Any], rule: str | None
) -> None:
    # As the wire has it: an object directly inside is a text.
    text = json.dumps(
        {key: json.dumps(v) if isinstance(v, dict) else v for key, v in element.items()}
    )
    lists = pa.array([[], ["{}", text]])
    ids = pa.array(["span-00000001", "span-00000002"])
    texts = pa.array(["x" * 12] * 2)
    times = pa.array([NOW, NOW])
    problems = problems_of(
        kernels,
        **{
            "context.span_id": ids,
            "context.trace_id": texts,
            "name": texts,
            "start_time": times,
            "end_time": times,
            column: lists,
        },
    )
    if rule is None:
        assert problems == []
    else:
        [problem] = problems
        assert problem.startswith(f"{column}, row 1: ")
        assert rule in problem


@pytest.mark.parametrize("text", ["7", "[]", "text", '"x"', "{"])
def test_an_element_must_be_an_object(kernels: Kernels, text: str) -> None:
    for column in (MESSAGES, DOCUMENTS, EMBEDDINGS, "events", "attributes.llm.tools"):
        [problem] = problems_of(kernels, **{column: [text]})
        assert "an element is no JSON object" in problem
        assert problems_of(kernels, **{column: [""]}) == []


class TestEvaluations:
    def problems(self, **columns: Any) -> list[str]:
        table = pa.table(
            {
                name: value if isinstance(value, pa.Array) else pa.array(value)
                for name, value in {"context.span_id": ["s1", "s2"], **columns}.items()
                if value is not ...
            }
        )
        try:
            EvaluationColumns(table.to_reader(), validate=True)
        except ValidationError as told:
            return list(told.problems)
        return []

    @pytest.mark.parametrize(
        "columns",
        [
            {"eval.A.label": ["x", None]},
            {"eval.A.label": [None, None]},
            {"eval.A.score": [1, None]},
            {"eval.A.score": [True, None]},
            {"eval.A.score": [0.5, float("nan")]},
            {"session_eval.A b_1.label": ["x", "y" * 100]},
            {"eval.A.score": [1.0, None], "eval.A.explanation": ["x" * 10_000, None]},
        ],
    )
    def test_right_ones(self, columns: dict[str, Any]) -> None:
        assert self.problems(**columns) == []

    @pytest.mark.parametrize(
        ("columns", "said"),
        [
            (
                {"context.span_id": ..., "eval.A.label": ["x"]},
                "context.span_id: the column is missing",
            ),
            ({"context.span_id": [1, 2], "eval.A.label": ["x", "y"]}, "its type is int64"),
            ({"context.span_id": ["s", None], "eval.A.label": ["x", "y"]}, "row 1: null or blank"),
            ({"context.span_id": ["s", "s"], "eval.A.label": ["x", "y"]}, "more than one row"),
            ({}, "there is no column of an evaluation"),
            ({"eval.a-b.label": ["x", "y"]}, "eval.a-b.label: the name of the evaluation"),
            ({"eval.A.label": ["x", ""]}, "row 1: empty: ''"),
            ({"eval.A.label": ["x" * 101, "y"]}, "longer than 100 characters"),
            ({"eval.A.label": [1, 2]}, "its type is int64"),
            ({"eval.A.score": ["x", "y"]}, "its type is string"),
            ({"eval.A.score": [1.0, float("-inf")]}, "row 1: not a finite number"),
            (
                {"eval.A.score": [1.0, 1.0], "eval.A.explanation": ["x" * 10_001, None]},
                "longer than 10,000 characters",
            ),
            (
                {"eval.A.score": [None, float("nan")], "eval.A.explanation": [None, "because"]},
                "row 1: an explanation without a label and a score",
            ),
            ({"eval.A.explanation": [None, "because"]}, "an explanation without"),
        ],
    )
    def test_wrong_ones(self, columns: dict[str, Any], said: str) -> None:
        problems = self.problems(**columns)
        assert any(said in problem for problem in problems), problems


def test_every_problem_is_listed_and_the_message_stays_short(kernels: Kernels) -> None:
    problems = Problems("dataframe")
    for number in range(30):
        problems.add(f"column {number}", "wrong", row_index=number, value="v" * 1_000)
        problems.add(f"column {number}", "wrong", row_index=number + 1)
    with pytest.raises(ValidationError) as told:
        problems.raise_if_any()
    assert len(told.value.problems) == 30
    assert "and 10 further problems" in str(told.value)
    assert "(and 1 more row)" in told.value.problems[0]
    assert len(str(told.value)) < 4_000
