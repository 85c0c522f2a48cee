from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from spanduck._scan.decode import Decoder
from spanduck._wire import JSON_VALID, JSON_VALID_FIELD_KEY
from spanduck.exceptions import ValidationError
from spanduck_sql.schema import JSON_TYPE, sql_type

MESSAGES = "attributes.llm.input_messages"


def decoded(name: str, values: pa.Array, *, metadata: dict[bytes, bytes] | None = None) -> pa.Array:
    wire = pa.schema([pa.field(name, values.type, metadata=metadata)])
    field = pa.field(name, sql_type(name, values.type))
    batch = pa.RecordBatch.from_arrays([values], schema=wire)
    made = Decoder(wire, [field]).column(batch, field)
    made.validate(full=True)
    assert made.type == field.type
    return made


def micros(array: pa.Array) -> list[int | None]:
    found: list[int | None] = array.view(pa.int64()).to_pylist()
    return found


def plain(array: pa.Array) -> Any:
    storage = array.storage if isinstance(array, pa.ExtensionArray) else array
    if pa.types.is_list(storage.type):
        inner = storage.flatten()
        inner = inner.storage if isinstance(inner, pa.ExtensionArray) else inner
        texts = iter(inner.to_pylist())
        lengths = pa.compute.list_value_length(storage).to_pylist()
        return [None if n is None else [next(texts) for _ in range(n)] for n in lengths]
    return storage.to_pylist()


@pytest.mark.parametrize(
    ("nanoseconds", "expected"),
    [(0, 0), (999, 0), (1_000, 1), (-1, -1), (-1_000, -1), (-1_001, -2), (None, None), (2**63 - 1, 9223372036854775)],
)  # fmt: skip
def test_nanoseconds_are_floored(nanoseconds: int | None, expected: int | None) -> None:
    assert micros(decoded("start_time", pa.array([nanoseconds, 5], pa.int64())))[0] == expected


@pytest.mark.parametrize(
    "kind", [pa.timestamp("ns"), pa.timestamp("ns", "UTC"), pa.timestamp("us", "America/New_York"),
             pa.timestamp("ms"), pa.timestamp("s", "UTC")],
)  # fmt: skip
def test_a_timestamp_of_any_unit_is_the_same_instant(kind: pa.DataType) -> None:
    values = pa.array([1_700_000_000, None], pa.int64())
    factor = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
    wire = pa.array([1_700_000_000 * factor, None], pa.int64()).view(kind)
    assert micros(decoded("start_time", wire)) == [1_700_000_000 * 10**6, None]
    assert len(values) == 2


def test_times_as_doubles_or_text_are_read() -> None:
    assert micros(decoded("end_time", pa.array([1.7e18, None]))) == [1_700_000_000 * 10**6, None]
    text = pa.array(["2023-11-14T22:13:20Z"])
    assert micros(decoded("end_time", text)) == [1_700_000_000 * 10**6]


def test_milliseconds_of_an_annotation_are_milliseconds() -> None:
    found = decoded("annotation.Q.updated_at", pa.array([1_700_000_000_123], pa.int64()))
    assert micros(found) == [1_700_000_000_123_000]


def test_token_counts_that_became_doubles_are_integers_again() -> None:
    name = "attributes.llm.token_count.prompt"
    assert decoded(name, pa.array([1.0, None, math.nan, -0.0])).to_pylist() == [1, None, None, 0]


def test_a_value_that_does_not_fit_fails_by_name() -> None:
    name = "attributes.llm.token_count.prompt"
    with pytest.raises(ValidationError, match=r"token_count\.prompt.*BIGINT") as caught:
        decoded(name, pa.array([1.5]))
    assert caught.value.column == name


def test_scores_are_doubles_whatever_they_were() -> None:
    for values in (
        pa.array([True, False]),
        pa.array([1, 0]),
        pa.array([Decimal("1.0"), Decimal(0)]),
    ):
        assert decoded("eval.Q.score", values).to_pylist() == [1.0, 0.0]
    assert decoded("eval.Q.score", pa.array([2**53 + 1])).to_pylist() == [float(2**53)]


def test_what_has_its_type_is_not_copied() -> None:
    values = pa.array(["a", "b"])
    assert decoded("name", values).buffers()[2].address == values.buffers()[2].address
    marked = decoded("attributes.metadata", values, metadata={JSON_VALID_FIELD_KEY: JSON_VALID})
    assert marked.storage.buffers()[2].address == values.buffers()[2].address
    lists = pa.array([["{}"], None], pa.list_(pa.string()))
    found = decoded(MESSAGES, lists, metadata={JSON_VALID_FIELD_KEY: JSON_VALID})
    assert found.values.storage.buffers()[2].address == lists.values.buffers()[2].address


def test_valid_json_is_not_copied_without_the_mark_either() -> None:
    values = pa.array(['{"a": 1}', None, "[1]"])
    found = decoded("attributes.metadata", values)
    assert found.storage.buffers()[2].address == values.buffers()[2].address


def test_text_that_is_no_json_becomes_a_json_string() -> None:
    found = plain(decoded("attributes.metadata", pa.array(['{"a": 1}', "", 'no "json"', None])))
    assert found == ['{"a": 1}', None, json.dumps('no "json"'), None]


def test_each_element_of_a_list_is_json() -> None:
    values = pa.array([['{"a":1}', "", "plain"], [], None, [None]], pa.list_(pa.string()))
    assert plain(decoded(MESSAGES, values)) == [['{"a":1}', None, '"plain"'], [], None, [None]]


def test_a_slice_of_lists_is_read_from_its_own_place() -> None:
    values = pa.array([["[0]"], ["[1]", "[2]"], None, ["x"]], pa.list_(pa.string())).slice(1)
    assert plain(decoded(MESSAGES, values)) == [["[1]", "[2]"], None, ['"x"']]


@pytest.mark.parametrize(
    "kind",
    [pa.large_list(pa.string()), pa.list_(pa.large_string()), pa.list_(pa.string_view()),
     pa.list_view(pa.string()), pa.large_list_view(pa.string())],
)  # fmt: skip
def test_lists_of_other_layouts_are_lists(kind: pa.DataType) -> None:
    values = pa.array([["[1]"], None, [], ["x", "[2]"]], pa.list_(pa.string()))
    wire = pa.array(values.to_pylist(), kind)
    assert plain(decoded(MESSAGES, wire)) == [["[1]"], None, [], ['"x"', "[2]"]]


def test_one_text_for_a_whole_list_is_taken_apart() -> None:
    values = pa.array(['[{"a":1}, 2]', "", None, '{"b":1}', "text"])
    assert plain(decoded(MESSAGES, values)) == [
        ['{"a":1}', "2"],
        None,
        None,
        ['{"b":1}'],
        ['"text"'],
    ]


def test_nested_values_become_json() -> None:
    structs = pa.array([{"a": 1, "b": ["x"]}, None])
    assert plain(decoded("attributes.custom", structs)) == ['{"a":1,"b":["x"]}', None]
    assert plain(decoded("attributes.metadata", structs)) == ['{"a":1,"b":["x"]}', None]
    lists = pa.array([[{"a": 1}, {"a": None}], None])
    assert plain(decoded(MESSAGES, lists)) == [['{"a":1}', '{"a":null}'], None]


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (pa.array(["a", None]).dictionary_encode(), ["a", None]),
        (pa.array(["a", None], pa.large_string()), ["a", None]),
        (pa.array(["a", None], pa.string_view()), ["a", None]),
        (pa.array([1, None]), ["1", None]),
        (pa.array([True, None]), ["true", None]),
        (pa.nulls(2), [None, None]),
    ],
)
def test_a_text_column_is_text_whatever_it_was(wire: pa.Array, expected: list[str | None]) -> None:
    assert decoded("name", wire).to_pylist() == expected


def test_json_that_is_dictionary_encoded_is_json() -> None:
    wire = pa.array(['{"a":1}', "x", None]).dictionary_encode()
    assert plain(decoded("attributes.metadata", wire)) == ['{"a":1}', '"x"', None]


def test_a_column_that_the_stream_lacks_is_null() -> None:
    field = pa.field("attributes.metadata", JSON_TYPE)
    batch = pa.record_batch({"name": ["a", "b"]})
    decoder = Decoder(batch.schema, [field])
    first = decoder.column(batch, field)
    assert first.type == JSON_TYPE
    assert first.null_count == 2
    assert decoder.column(batch, field) is first
