"""Laws of what is uploaded: nothing is lost, doubled, reordered or changed on the way to the wire."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spanduck._export.frame import to_frame
from spanduck._export.reader import ExportReader
from spanduck._upload.arrow_input import plain_array, plain_type
from spanduck._upload.frame import frame_table
from spanduck._upload.json_text import encode_objects, encode_structs
from spanduck._upload.kernels import Kernels
from spanduck._upload.parts import scratch, write_parts
from spanduck._upload.prepare import cut
from spanduck._upload.problems import Problems
from spanduck._upload.times import DEFAULT_FORMAT, to_nanoseconds

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    TEXT,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=4)


def decoded(text: str, like: dict[str, Any]) -> dict[str, Any]:
    """Undo the encoding: once, and again wherever an object stood directly in an object."""
    outer = json.loads(text)
    assert isinstance(outer, dict)
    assert list(outer) == list(like)
    return {
        key: decoded(outer[key], value) if isinstance(value, dict) else outer[key]
        for key, value in like.items()
    }


@given(st.lists(OBJECTS, max_size=6))
@example([{}])
@example([{"": {"": {}}}])
def test_decoding_what_was_encoded_gives_it_back(objects: list[dict[str, Any]]) -> None:
    texts = encode_objects(objects).to_pylist()
    assert len(texts) == len(objects)
    assert [decoded(text, value) for text, value in zip(texts, objects, strict=True)] == objects


@given(st.lists(st.one_of(st.none(), st.lists(OBJECTS, max_size=3)), min_size=1, max_size=6))
def test_lists_of_a_frame_come_back_row_by_row(rows: list[list[dict[str, Any]] | None]) -> None:
    name = "attributes.llm.tools"
    problems = Problems("dataframe")
    frame = pd.DataFrame({name: pd.Series(rows, dtype=object)})
    table, _ = frame_table(frame, lambda _: True, problems)
    assert not problems
    made = table.column(name).to_pylist()
    back = [
        [decoded(text, value) for text, value in zip(texts, row or [], strict=True)]
        for texts, row in zip(made, rows, strict=True)
    ]
    assert back == [row or [] for row in rows]
    exported = pa.table({"time": range(len(rows)), name: table.column(name)})
    again = to_frame(exported)[name].tolist()
    assert [[encode_objects([value])[0].as_py() for value in row] for row in again] == [
        [encode_objects([json.loads(text)])[0].as_py() for text in texts] for texts in made
    ]


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.none(),
            st.fixed_dictionaries(
                {
                    "a": st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
                    "f": st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
                    "t": st.one_of(st.none(), TEXT),
                    "d": st.one_of(st.none(), st.fixed_dictionaries({"x": st.lists(TEXT)})),
                    "l": st.lists(st.fixed_dictionaries({"y": st.booleans()}), max_size=2),
                }
            ),
        ),
        max_size=6,
    )
)
def test_structs_become_the_same_objects(values: list[dict[str, Any] | None]) -> None:
    kind = pa.struct(
        [
            ("a", pa.int64()),
            ("f", pa.float64()),
            ("t", pa.string()),
            ("d", pa.struct([("x", pa.list_(pa.string()))])),
            ("l", pa.list_(pa.struct([("y", pa.bool_())]))),
        ]
    )
    with Kernels() as kernels:
        texts = encode_structs(pa.array(values, kind), kernels).to_pylist()
    for text, value in zip(texts, values, strict=True):
        assert (text is None) == (value is None)
        if value is not None:
            assert decoded(text, {name: value[name] for name in kind.names}) == value


@given(st.lists(st.integers(0, 40), max_size=8), st.integers(1, 20), st.integers(1, 2_000))
def test_cutting_loses_doubles_and_reorders_nothing(
    sizes: list[int], batch_rows: int, size_bytes: int
) -> None:
    schema = pa.schema([("n", pa.int64()), ("t", pa.string())])
    given_batches, first = [], 0
    for size in sizes:
        numbers = range(first, first + size)
        texts = ["x" * (n % 50) for n in numbers]
        given_batches.append(pa.record_batch([pa.array(numbers, pa.int64()), texts], schema))
        first += size
    pieces = [
        piece
        for batch in given_batches
        for piece in cut(batch, rows=batch_rows, size_bytes=size_bytes)
    ]
    assert [n for piece in pieces for n in piece.column("n").to_pylist()] == list(range(first))
    for piece in pieces:
        assert piece.num_rows <= batch_rows
        assert piece.nbytes <= size_bytes or piece.num_rows == 1
    with scratch("") as files:
        counted = ((batch, batch.num_rows) for batch in given_batches)
        parts = list(write_parts(counted, schema, scratch=files, batch_rows=batch_rows))
        read = [pa.ipc.open_stream(part.path.read_bytes()).read_all() for part in parts]
    assert pa.concat_tables(read).column("n").to_pylist() == list(range(first))
    assert sum(part.rows for part in parts) == first


@settings(deadline=None)
@given(
    st.lists(
        st.datetimes(
            min_value=pd.Timestamp("1970-01-01").to_pydatetime(),
            max_value=pd.Timestamp("2200-01-01").to_pydatetime(),
        ),
        max_size=5,
    ),
    st.integers(0, 999),
    st.sampled_from(["Z", "+00:00", "+05:30", "-0800", ""]),
)
def test_texts_of_times_keep_every_nanosecond(
    moments: list[Any], nanoseconds: int, offset: str
) -> None:
    texts = [f"{moment:%Y-%m-%dT%H:%M:%S.%f}{nanoseconds:03}{offset}" for moment in moments]
    minutes = {"+05:30": 330, "-0800": -480}.get(offset, 0)
    expected = [
        int(np.datetime64(moment, "ns").astype("int64")) + nanoseconds - minutes * 60 * 10**9
        for moment in moments
    ]
    problems = Problems("dataframe")
    with Kernels() as kernels:
        made = to_nanoseconds(
            "start_time",
            pa.array(texts, pa.string()),
            datetime_format=DEFAULT_FORMAT,
            kernels=kernels,
            problems=problems,
            first_row=0,
        )
    assert made.to_pylist() == expected
    assert not problems


LISTS = st.lists(st.one_of(st.none(), st.lists(st.one_of(st.none(), TEXT), max_size=3)), max_size=6)


@given(
    LISTS,
    st.sampled_from([pa.list_, pa.large_list, pa.list_view, pa.large_list_view]),
    st.sampled_from([pa.string(), pa.large_string(), pa.string_view()]),
    st.integers(0, 6),
)
def test_plain_lists_hold_the_same_values(
    rows: list[Any], layout: Any, text: pa.DataType, start: int
) -> None:
    column = pa.array(rows, layout(text)).slice(min(start, len(rows)))
    plain = plain_array(column, plain_type(column.type))
    plain.validate(full=True)
    assert plain.type == pa.list_(pa.string())
    assert plain.to_pylist() == column.to_pylist()


@given(st.lists(st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=5), max_size=5))
def test_a_reader_delivers_what_it_was_given(batches: list[list[int | None]]) -> None:
    schema = pa.schema([("n", pa.int64())])
    made = [pa.record_batch([pa.array(rows, pa.int64())], schema) for rows in batches]
    reader = ExportReader(schema, iter(made), lambda: None)
    assert [batch.column("n").to_pylist() for batch in reader] == batches
