from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from arize._exporter.parsers.tracing_data_parser import OtelTracingDataTransformer

from spanduck._export.frame import to_frame

MESSAGES = "attributes.llm.input_messages"
METADATA = "attributes.metadata"
PARAMETERS = "attributes.llm.invocation_parameters"
TEXTS = pa.list_(pa.string())


def vendor_frame(table: pa.Table) -> pd.DataFrame:
    """What the vendor's SDK makes of an export."""
    frame = pd.concat([batch.to_pandas() for batch in table.to_batches()])
    frame = frame.drop(columns=frame.columns[frame.isna().all()])
    frame = OtelTracingDataTransformer().transform(frame)
    return frame.sort_values(by=["time"], kind="stable").reset_index(drop=True)


def table(**columns: Any) -> pa.Table:
    rows = len(next(iter(columns.values())))
    times = pa.array([(n * 7) % rows for n in range(rows)], pa.timestamp("ms", tz="UTC"))
    return pa.table({"time": times, **columns})


@pytest.mark.parametrize("chunk", [3, 1_000])
def test_it_is_what_the_vendor_makes_of_it(chunk: int) -> None:
    count = 200
    rows = range(count)
    made = table(
        **{
            "name": pa.array([None if n % 5 == 0 else f"n{n}" for n in rows]),
            "parent_id": pa.nulls(count, pa.string()),
            "start_time": pa.array([1_790_000_000_123_456_789 + n for n in rows]),
            "end_time": pa.array([None if n % 9 == 0 else 1_790_000_000_000_000_000 for n in rows]),
            "status": pa.array([n if n % 2 else None for n in rows]),
            MESSAGES: pa.array(
                [
                    None if n % 7 == 0 else ['{"a": [1, {"é": null}]}', "", '"x"', None][: n % 5]
                    for n in rows
                ],
                TEXTS,
            ),
            METADATA: pa.array([[None, "", '{"a": {"b": 1}}', "[1]"][n % 4] for n in rows]),
            PARAMETERS: pa.array([[None, "", "{}"][n % 3] for n in rows]),
            "attributes.retrieval.documents": pa.array(
                [[None, '{"one": "text"}', ""][n % 3] for n in rows]
            ),
            "events": pa.array([['{"a": 1}'] * (n % 3) for n in rows], TEXTS),
        }
    )
    made = pa.Table.from_batches(made.to_batches(chunk))
    mine, theirs = to_frame(made), vendor_frame(made)
    assert list(mine.columns) == list(theirs.columns)
    for name in theirs.columns:
        left, right = plain(mine[name]), plain(theirs[name])
        assert left == right, name
        assert str(mine[name].dtype) == str(theirs[name].dtype), name


def plain(values: pd.Series[Any]) -> list[Any]:
    listed = [list(v) if hasattr(v, "tolist") and hasattr(v, "__len__") else v for v in values]
    return [None if not isinstance(v, list | dict) and pd.isna(v) else v for v in listed]


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        (METADATA, ['{"a": 1}', "{"], pa.string()),
        (METADATA, ["{}", "1,2"], pa.string()),
        (METADATA, ["[1", "2]"], pa.string()),
        (MESSAGES, [["{}"], ["1,2", "[1", "2]"]], TEXTS),
    ],
)
def test_a_column_with_text_that_is_no_json_is_left_as_it_is(
    name: str, values: list[Any], kind: pa.DataType
) -> None:
    with pytest.warns(UserWarning, match=name):
        frame = to_frame(table(**{name: pa.array(values, kind)}))
    assert sorted(map(list, frame[name])) == sorted(map(list, values))


def test_what_the_server_vouches_for_is_not_checked_again() -> None:
    text = json.dumps({"a": 1})
    field = pa.field(METADATA, pa.string(), metadata={b"spanduck.json": b"valid"})
    made = pa.table([pa.array([0]), pa.array([text])], schema=pa.schema([("time", "int64"), field]))
    assert to_frame(made)[METADATA].tolist() == [{"a": 1}]


def test_no_rows_no_columns() -> None:
    assert to_frame(pa.table({"time": pa.array([], pa.int64())})).shape == (0, 0)


def test_without_time_the_start_orders() -> None:
    frame = to_frame(pa.table({"start_time": [3, 1, 2], "name": ["c", "a", "b"]}))
    assert frame["name"].tolist() == ["a", "b", "c"]


def test_without_any_time_the_order_stays() -> None:
    assert to_frame(pa.table({"name": ["c", "a"]}))["name"].tolist() == ["c", "a"]
