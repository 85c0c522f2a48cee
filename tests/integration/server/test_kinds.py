from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

NAME = "attributes.mixed"


def _send(caller: Any, tools: Any, project: str, columns: list[pa.Array]) -> pa.Table:
    first = 0
    for column in columns:
        caller.upload(tools.spans(len(column), first=first, **{NAME: column}), project)
        first += len(column)
    return caller.export(project).sort_by("context.span_id")


@pytest.mark.parametrize(
    ("columns", "type_", "values"),
    [
        ([pa.array([1]), pa.array([2.5])], pa.float64(), [1.0, 2.5]),
        ([pa.array([2.5]), pa.array([2**53 - 1])], pa.float64(), [2.5, float(2**53 - 1)]),
        ([pa.array([2**53]), pa.array([2.5])], pa.string(), ["9007199254740992", "2.5"]),
        ([pa.array([1.0]), pa.array([-(2**53)])], pa.string(), ["1.0", "-9007199254740992"]),
        ([pa.array([True]), pa.array([1])], pa.string(), ["true", "1"]),
        ([pa.array(["x"]), pa.array([0.1]), pa.array([False])], pa.string(), ["x", "0.1", "false"]),
        ([pa.array([["a", "b"]]), pa.array(["x"])], pa.string(), ['["a","b"]', "x"]),
        ([pa.array([{"k": 1}]), pa.array([["a"]])], pa.string(), ['{"k":1}', '["a"]']),
        ([pa.nulls(1), pa.array([5])], pa.int64(), [None, 5]),
        ([pa.array([5]), pa.nulls(1)], pa.int64(), [5, None]),
        ([pa.array([5]), pa.array([None], pa.string())], pa.int64(), [5, None]),
        ([pa.array([None], pa.float64()), pa.array(["x"])], pa.string(), [None, "x"]),
        ([pa.nulls(1), pa.array([None], pa.int64())], pa.string(), [None, None]),
    ],
)
def test_a_column_sent_as_several_kinds_is_exported_as_one_type(
    caller: Any, tools: Any, columns: list[pa.Array], type_: pa.DataType, values: list[Any]
) -> None:
    table = _send(caller, tools, f"mixed {columns}"[:200], columns)
    assert table.schema.field(NAME).type == type_
    assert table[NAME].to_pylist() == values


def test_the_type_goes_from_double_to_text_with_the_first_large_integer(
    caller: Any, tools: Any
) -> None:
    table = _send(caller, tools, "grows", [pa.array([1]), pa.array([0.5])])
    assert table.schema.field(NAME).type == pa.float64()
    caller.upload(tools.spans(1, first=9, **{NAME: [2**60]}), "grows")
    table = caller.export("grows").sort_by("context.span_id")
    assert table[NAME].to_pylist() == ["1", "0.5", str(2**60)]


def test_names_of_any_letters_stay_apart(caller: Any, tools: Any) -> None:
    columns = {
        "attributes.Case": ["1"],
        "attributes.case": ["2"],
        "attributes.\"quoted\" 'and'; --": ["3"],
        "attributes.": ["4"],
        "attributes.with\nnewline ☃": ["5"],
    }
    caller.upload(tools.spans(1, **columns), "names")
    (row,) = caller.rows("names").values()
    assert {name: [row[name]] for name in columns} == columns


def test_a_thousand_names_fit_in_a_project(caller: Any, tools: Any) -> None:
    columns = {f"attributes.rare.{n}": [str(n) if n % 3 == 0 else None] for n in range(1_000)}
    caller.upload(tools.spans(1, **columns), "thousand")
    caller.upload(tools.spans(1, first=1, **{"attributes.rare.999": ["x"]}), "thousand")
    more = {f"attributes.late.{n}": [n] for n in range(300)}
    caller.upload(tools.spans(1, first=2, **more), "thousand")
    rows = caller.rows("thousand")
    assert rows["span-000000000000"]["attributes.rare.999"] == "999"
    assert rows["span-000000000000"]["attributes.rare.998"] is None
    assert rows["span-000000000001"]["attributes.rare.999"] == "x"
    assert rows["span-000000000002"]["attributes.late.299"] == 299
    assert rows["span-000000000000"]["attributes.late.299"] is None
    # Replaced as a whole, in every table its columns lie in.
    caller.upload(tools.spans(1, **{"attributes.late.0": [7]}), "thousand")
    row = caller.rows("thousand")["span-000000000000"]
    assert row["attributes.late.0"] == 7
    assert [
        name for name, value in row.items() if name.startswith("attributes.rare") and value
    ] == []
