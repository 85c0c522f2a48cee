from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from spanduck._upload.frame import frame_table
from spanduck._upload.problems import Problems
from spanduck.exceptions import ValidationError

DICT = "attributes.metadata"
LIST = "attributes.llm.input_messages"


def convert(name: str, cells: list[Any]) -> tuple[pa.Array, Problems]:
    problems = Problems("dataframe")
    frame = pd.DataFrame({name: pd.Series(cells, dtype=object)})
    table, names = frame_table(frame, lambda _: True, problems)
    assert names == [name]
    return table.column(name).combine_chunks(), problems


def the_problem(problems: Problems) -> ValidationError:
    with pytest.raises(ValidationError) as told:
        problems.raise_if_any()
    return told.value


class TestDictionaries:
    def test_an_absent_key_stays_absent(self) -> None:
        made, problems = convert(DICT, [{"a": 1}, {"b": 2}])
        assert made.to_pylist() == ['{"a": 1}', '{"b": 2}']
        assert not problems

    def test_missing_values_of_any_sort_are_null(self) -> None:
        made, problems = convert(DICT, [None, {"a": 1}, np.nan, pd.NA, pd.NaT])
        assert made.to_pylist() == [None, '{"a": 1}', None, None, None]
        assert not problems

    def test_a_column_of_nothing(self) -> None:
        made, _ = convert(DICT, [None, None])
        assert made.to_pylist() == [None, None]

    def test_json_text_is_taken_beside_dictionaries(self) -> None:
        made, problems = convert(DICT, ['{"x": 1}', {"a": 1}, "", None, {"b": 2}])
        assert made.to_pylist() == ['{"x": 1}', '{"a": 1}', "", None, '{"b": 2}']
        assert not problems

    def test_another_value_is_told_with_its_row(self) -> None:
        _, problems = convert(DICT, [{"a": 1}, None, {"b": 1}, 7, [1]])
        error = the_problem(problems)
        assert (error.column, error.row_index) == (DICT, 3)
        assert "and 1 more row)" in str(error)

    def test_a_key_that_is_no_text_is_told_with_its_row(self) -> None:
        _, problems = convert(DICT, [None, {"a": 1}, {1: 2}])
        error = the_problem(problems)
        assert (error.row_index, "key" in str(error)) == (2, True)

    def test_a_value_without_a_form_in_json_is_told_with_its_row(self) -> None:
        cells: list[Any] = [{"n": number} for number in range(50)]
        cells[37] = {"when": datetime(2026, 1, 1, tzinfo=UTC)}
        _, problems = convert(DICT, cells)
        error = the_problem(problems)
        assert (error.row_index, "datetime" in str(error)) == (37, True)


class TestLists:
    def test_lists_tuples_and_arrays_are_taken(self) -> None:
        cells = [[{"a": 1}], ({"b": 2}, {"c": 3}), np.array([{"d": 4}]), []]
        made, problems = convert(LIST, cells)
        assert made.type == pa.list_(pa.string())
        assert made.to_pylist() == [['{"a": 1}'], ['{"b": 2}', '{"c": 3}'], ['{"d": 4}'], []]
        assert not problems

    def test_missing_lists_are_empty(self) -> None:
        made, problems = convert(LIST, [None, [{"a": 1}], np.nan])
        assert made.to_pylist() == [[], ['{"a": 1}'], []]
        assert not problems

    def test_a_column_of_nothing_is_of_empty_lists(self) -> None:
        made, _ = convert(LIST, [None, None])
        assert (made.type, made.to_pylist()) == (pa.list_(pa.string()), [[], []])

    def test_json_texts_are_taken_beside_dictionaries(self) -> None:
        made, problems = convert(LIST, [['{"x": 1}', {"a": {"b": 1}}], ['{"y": 1}']])
        assert [list(map(json.loads, row)) for row in made.to_pylist()] == [
            [{"x": 1}, {"a": '{"b": 1}'}],
            [{"y": 1}],
        ]
        assert not problems

    @pytest.mark.parametrize(
        "cell",
        ["text", {"a": 1}, 7, {1, 2}, iter([{"a": 1}])],
        ids=["text", "dictionary", "number", "set", "iterator"],
    )
    def test_what_is_no_list_is_told(self, cell: Any) -> None:
        _, problems = convert(LIST, [[], [{"a": 1}], cell])
        assert the_problem(problems).row_index == 2

    def test_an_element_that_is_no_dictionary_is_told_with_its_row(self) -> None:
        _, problems = convert(LIST, [[], [{"a": 1}, {"b": 1}], [], [{"c": 1}, 7]])
        assert the_problem(problems).row_index == 3


class TestTimes:
    def test_texts_and_datetimes_beside_each_other(self) -> None:
        moment = datetime(2026, 1, 1, 12, tzinfo=UTC)
        stamp = pd.Timestamp(1_767_268_800_123_456_789, tz="UTC")
        made, _ = convert("start_time", ["2026-01-01T12:00:00Z", moment, stamp, None, pd.NaT])
        assert made.to_pylist() == [
            "2026-01-01T12:00:00Z",
            "2026-01-01T12:00:00.000000000Z",
            "2026-01-01T12:00:00.123456789Z",
            None,
            None,
        ]

    def test_nanoseconds_of_a_timestamp_are_kept(self) -> None:
        stamp = pd.Timestamp(1_767_268_800_123_456_789, tz="Asia/Tokyo")
        made, _ = convert("start_time", [stamp, None])
        assert made.cast(pa.int64()).to_pylist() == [1_767_268_800_123_456_789, None]

    def test_numbers_as_objects(self) -> None:
        made, _ = convert("start_time", [1_767_268_800_000_000_000, None])
        assert made.to_pylist() == [1_767_268_800_000_000_000, None]


def test_a_column_without_a_common_type_is_told_among_the_others() -> None:
    problems = Problems("dataframe")
    frame = pd.DataFrame({"name": ["a", 1], DICT: [3, {}]})
    frame_table(frame, lambda _: True, problems)
    assert len(the_problem(problems).problems) == 2


def test_unwanted_columns_are_not_converted() -> None:
    frame = pd.DataFrame({"name": ["a"], "mixed": [object()]})
    table, names = frame_table(frame, lambda name: name == "name", Problems("dataframe"))
    assert table.column_names == ["name"]
    assert names == ["name", "mixed"]


def test_two_columns_of_one_name_are_refused() -> None:
    frame = pd.DataFrame([["a", "b"]], columns=["name", "name"])
    with pytest.raises(ValidationError, match="two columns called 'name'"):
        frame_table(frame, lambda _: True, Problems("dataframe"))


def test_names_that_are_no_texts_become_texts() -> None:
    _, names = frame_table(pd.DataFrame([[1]], columns=[0]), lambda _: True, Problems("x"))
    assert names == ["0"]
