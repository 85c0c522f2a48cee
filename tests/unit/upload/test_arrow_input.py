from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from spanduck._upload.arrow_input import as_reader, plain_array, plain_type, reset_index
from spanduck.exceptions import ValidationError

TEXTS = pa.array(["a", None, "b"])


@pytest.mark.parametrize(
    "kind",
    [
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.json_(pa.string()),
        pa.json_(pa.large_string()),
    ],
    ids=str,
)
def test_texts_of_any_layout_become_plain(kind: pa.DataType) -> None:
    if isinstance(kind, pa.BaseExtensionType):
        column = pa.ExtensionArray.from_storage(kind, TEXTS.cast(kind.storage_type))
    else:
        column = TEXTS.dictionary_encode() if pa.types.is_dictionary(kind) else TEXTS.cast(kind)
    table = as_reader(pa.table({"x": column})).read_all()
    assert table.schema.field("x").type == pa.string()
    assert table.column("x").to_pylist() == ["a", None, "b"]


@pytest.mark.parametrize(
    "kind",
    [
        pa.large_list(pa.string()),
        pa.list_(pa.large_string()),
        pa.list_view(pa.string()),
        pa.large_list_view(pa.string_view()),
        pa.list_(pa.string(), 2),
    ],
    ids=str,
)
def test_lists_of_any_layout_become_plain(kind: pa.DataType) -> None:
    column = pa.array([["a", "b"], None, ["c", None]], kind)
    plain = plain_array(column, plain_type(kind))
    assert plain.type == pa.list_(pa.string())
    assert plain.to_pylist() == [["a", "b"], None, ["c", None]]
    assert plain_array(column.slice(1), plain.type).to_pylist() == [None, ["c", None]]


def test_nested_layouts_become_plain() -> None:
    kind = pa.struct([("t", pa.string_view()), ("l", pa.large_list(pa.large_string()))])
    values: list[Any] = [{"t": "a", "l": ["x"]}, None, {"t": None, "l": None}]
    column = pa.array(values, kind)
    plain = plain_array(column, plain_type(kind))
    assert plain.type == pa.struct([("t", pa.string()), ("l", pa.list_(pa.string()))])
    assert plain.to_pylist() == values


def test_plain_types_are_passed_on_without_a_copy() -> None:
    table = pa.table({"x": TEXTS, "l": pa.array([["a"], [], None])})
    [batch] = list(as_reader(table))
    for given, taken in zip(table.columns, batch.columns, strict=True):
        buffers = zip(given.chunk(0).buffers(), taken.buffers(), strict=True)
        assert all(a is b is None or a.address == b.address for a, b in buffers)


def test_a_relation_streams() -> None:
    con = duckdb.connect()
    relation = con.sql("SELECT i, 'x' || i AS t FROM range(1_000_000_000) r(i)")
    reader = as_reader(relation)
    assert 0 < reader.read_next_batch().num_rows <= 10_000
    reader.close()
    con.close()


def test_an_object_with_an_array_interface_is_taken() -> None:
    class Rows:
        def __arrow_c_array__(self, requested_schema: object = None) -> object:
            return pa.record_batch({"x": TEXTS}).__arrow_c_array__(requested_schema)

    assert as_reader(Rows()).read_all().column("x").to_pylist() == ["a", None, "b"]


def test_what_holds_no_rows_is_refused() -> None:
    for data in ([{"a": 1}], "rows", None, 7):
        with pytest.raises(ValidationError, match="holds no rows"):
            as_reader(data)


def test_a_frame_column_of_mixed_values_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="mixed") as told:
        as_reader(pd.DataFrame({"mixed": ["a", 1]}))
    assert told.value.column == "mixed"


class TestIndex:
    def test_a_range_is_not_touched(self) -> None:
        frame = pd.DataFrame({"a": [1, 2]})
        assert reset_index(frame) is frame

    def test_numbers_without_a_name_are_dropped(self) -> None:
        frame = pd.DataFrame({"a": [1, 2, 3]}).iloc[[2, 0]]
        assert list(reset_index(frame).columns) == ["a"]
        assert reset_index(frame)["a"].tolist() == [3, 1]

    def test_a_named_index_becomes_a_column(self) -> None:
        frame = pd.DataFrame({"a": [1]}, index=pd.Index(["s"], name="context.span_id"))
        assert list(reset_index(frame).columns) == ["context.span_id", "a"]

    def test_a_name_that_is_a_column_already_is_dropped(self) -> None:
        frame = pd.DataFrame({"a": [1], "i": [2]}, index=pd.Index([9], name="i"))
        assert reset_index(frame)["i"].tolist() == [2]

    def test_levels_become_columns(self) -> None:
        index = pd.MultiIndex.from_tuples([("s", 0, 5)], names=["context.span_id", None, "a"])
        frame = reset_index(pd.DataFrame({"a": [1]}, index=index))
        assert list(frame.columns) == ["context.span_id", "a"]
        assert frame["a"].tolist() == [1]


def test_missing_values_of_a_frame_are_null() -> None:
    frame = pd.DataFrame(
        {
            "o": ["a", None, np.nan, pd.NA],
            "f": [1.0, np.nan, None, 2.0],
            "t": [pd.Timestamp("2026-01-01"), pd.NaT, pd.NaT, pd.NaT],
            "c": pd.Categorical(["x", None, "x", "y"]),
        }
    )
    table = as_reader(frame).read_all()
    assert table.column("o").to_pylist() == ["a", None, None, None]
    assert table.column("f").to_pylist() == [1.0, None, None, 2.0]
    assert table.column("t").null_count == 3
    assert table.column("c").to_pylist() == ["x", None, "x", "y"]
    assert table.schema.field("c").type == pa.string()
