from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanduck_sql import schema


def test_columns_come_in_the_order_of_select_star() -> None:
    shuffled = [
        "annotation.notes",
        "session_eval.s.score",
        "eval.a.score",
        "attributes.z",
        "attributes.a",
        "name",
        "trace_eval.t.score",
        "context.span_id",
        "other",
    ]
    assert schema.order_columns(shuffled) == [
        "context.span_id",
        "name",
        "attributes.a",
        "attributes.z",
        "eval.a.score",
        "trace_eval.t.score",
        "session_eval.s.score",
        "annotation.notes",
        "other",
    ]


def test_of_names_that_differ_by_case_the_first_seen_keeps_its_name() -> None:
    assert schema.sql_names(["attributes.B", "attributes.b", "attributes.b~2", "x"]) == {
        "attributes.B": "attributes.B",
        "attributes.b": "attributes.b~2",
        "attributes.b~2": "attributes.b~2~2",
        "x": "x",
    }


@given(st.lists(st.text(alphabet="aAbB~2", min_size=1, max_size=4), unique=True))
def test_sql_names_never_collide(wire: list[str]) -> None:
    names = schema.sql_names(wire)
    assert list(names) == wire
    assert len({name.lower() for name in names.values()}) == len(wire)


@pytest.mark.parametrize(
    ("column", "wire", "sql"),
    [
        ("start_time", pa.int64(), pa.timestamp("us", tz="UTC")),
        ("latency_ms", pa.int64(), pa.float64()),
        ("attributes.llm.token_count.prompt", pa.float64(), pa.int64()),
        ("attributes.metadata", pa.string(), pa.json_(pa.string())),
        ("attributes.llm.input_messages", pa.list_(pa.string()), pa.list_(pa.json_(pa.string()))),
        ("eval.Quality.score", pa.int64(), pa.float64()),
        ("eval.Quality.label", pa.null(), pa.string()),
        ("annotation.Q.updated_at", pa.int64(), pa.timestamp("us", tz="UTC")),
        ("attributes.custom", pa.string_view(), pa.string()),
        ("attributes.custom", pa.large_string(), pa.string()),
        ("attributes.custom", pa.null(), pa.string()),
        ("attributes.custom", pa.int32(), pa.int64()),
        ("attributes.custom", pa.bool_(), pa.bool_()),
        ("attributes.custom", pa.list_(pa.string()), pa.list_(pa.string())),
        ("attributes.custom", pa.list_(pa.int64()), pa.json_(pa.string())),
        ("attributes.custom", pa.struct([("a", pa.int64())]), pa.json_(pa.string())),
        ("attributes.custom", pa.dictionary(pa.int32(), pa.string()), pa.string()),
    ],
)
def test_the_sql_type_of_a_column(column: str, wire: pa.DataType, sql: pa.DataType) -> None:
    assert schema.sql_type(column, wire) == sql


@pytest.mark.parametrize(
    ("column", "parsed"),
    [
        ("eval.Quality.score", ("span", "Quality", "score")),
        ("trace_eval.My Name_1.label", ("trace", "My Name_1", "label")),
        ("session_eval.S.explanation", ("session", "S", "explanation")),
        ("eval.a.b-c.score", ("span", "a.b-c", "score")),
        ("eval.score", None),
        ("eval.Quality.text", None),
        ("attributes.eval.x.score", None),
    ],
)
def test_reading_the_name_of_an_evaluation_column(
    column: str, parsed: tuple[str, str, str] | None
) -> None:
    found = schema.parse_evaluation_column(column)
    assert (found and (found.level, found.name, found.field)) == parsed
    if found is not None:
        assert found.column == column


def test_names_the_vendors_client_drops_are_not_sendable() -> None:
    assert schema.parse_evaluation_column("eval.a-b.score", sendable=True) is None
    assert schema.parse_evaluation_column("eval.a b_1.score", sendable=True) is not None


def test_columns_of_annotations_are_read() -> None:
    parsed = schema.parse_annotation_column("annotation.a.b c.updated_at")
    assert parsed is not None
    assert (parsed.name, parsed.field) == ("a.b c", "updated_at")
    assert parsed.column == "annotation.a.b c.updated_at"
    assert schema.parse_annotation_column("annotation.a.b.label", sendable=True) is None
    for none in (
        "annotation.notes",
        "annotation.a.explanation",
        "eval.a.label",
        "annotation.label",
    ):
        assert schema.parse_annotation_column(none) is None
