"""Laws of rows that have one evaluation each: as columns they say the same, whatever their order."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from spanduck._upload.evaluations import EvaluationColumns
from spanduck._upload.problems import Problems
from spanduck._upload.values.columns import read_frame
from spanduck._upload.values.kinds import EVALUATIONS
from spanduck._upload.values.long import LongFrame, LongRows
from spanduck._upload.values.pivot import wide_rows, without_repeated
from spanduck_sql.schema import SPAN_ID, parse_evaluation_column

SCHEMA = pa.schema(
    [
        ("span_id", pa.string()),
        ("level", pa.string()),
        ("name", pa.string()),
        ("label", pa.string()),
        ("score", pa.float64()),
        ("explanation", pa.string()),
    ]
)
KEYS = st.tuples(
    st.sampled_from(["a", "b", "ü", "a "]),
    st.sampled_from(["span", "trace", "session"]),
    st.sampled_from(["Q", "q", "R 2", "_"]),
)
FIELDS = st.tuples(
    st.none() | st.sampled_from(["x", "y"]),
    st.none() | st.sampled_from([0.0, 1.5]),
    st.none() | st.sampled_from(["", "because"]),
)
ROWS = st.dictionaries(KEYS, FIELDS, max_size=12)


def read(rows: list[tuple[Any, ...]], batch_rows: int) -> tuple[LongRows, pa.RecordBatch]:
    """Return what rows say, read in batches."""
    problems = Problems("dataframe")
    frame = read_frame(SCHEMA, EVALUATIONS, problems, on_unknown=lambda _: None)
    assert isinstance(frame, LongFrame)
    table = pa.Table.from_pylist(
        [dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA
    )
    reading = LongRows(frame, problems)
    first_row, read_rows = 0, []
    for batch in table.to_batches(batch_rows):
        read_rows.append(reading.read(batch, first_row, None))
        first_row += len(batch)
    problems.raise_if_any()
    empty = pa.RecordBatch.from_pylist([], frame.schema())
    return reading, pa.concat_batches([empty, *read_rows])


def said(wide: pa.RecordBatch) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the fields that wide rows have, by span, level and name."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in wide.to_pylist():
        for name, value in row.items():
            column = parse_evaluation_column(name)
            if column is not None and value is not None:
                key = (row[SPAN_ID], column.level, column.name)
                assert column.field not in found.setdefault(key, {})
                found[key][column.field] = value
    return found


@given(ROWS, st.randoms(use_true_random=False), st.integers(1, 5))
@example({}, None, 1)
def test_columns_say_what_the_rows_said(rows: Any, random: Any, batch_rows: int) -> None:
    given_rows = [(*key, *fields) for key, fields in rows.items()]
    if random is not None:
        random.shuffle(given_rows)
    reading, values = read(given_rows, batch_rows)
    wide = wide_rows(values, range(len(reading.slots)), reading, 0)
    fields = EVALUATIONS.said
    expected = {
        key: {name: value for name, value in zip(fields, given, strict=True) if value is not None}
        for key, given in rows.items()
    }
    assert said(wide) == {key: named for key, named in expected.items() if named}
    ids = wide.column(0).to_pylist()
    assert len(ids) == len(set(ids))


@given(ROWS, st.randoms(use_true_random=False), st.integers(1, 3))
def test_rows_that_are_repeated_change_nothing(rows: Any, random: Any, times: int) -> None:
    once = [(*key, *fields) for key, fields in rows.items()]
    often = once * times
    random.shuffle(often)
    reading, values = read(often, 4)
    problems = Problems("dataframe")
    kept = without_repeated(values, reading, problems)
    assert not problems
    assert len(kept) == sum(any(field is not None for field in fields) for fields in rows.values())


@given(ROWS, FIELDS)
def test_rows_that_contradict_each_other_are_found(rows: Any, other: Any) -> None:
    given_rows = [(*key, *fields) for key, fields in rows.items()]
    unlike = [
        number
        for number, row in enumerate(given_rows)
        if row[3:] != other and any(field is not None for field in row[3:])
    ]
    if not unlike or all(field is None for field in other):
        return
    again = (*given_rows[unlike[-1]][:3], *other)
    reading, values = read([*given_rows, again], 100)
    problems = Problems("dataframe")
    without_repeated(values, reading, problems)
    assert problems


@given(ROWS)
def test_beside_spans_they_say_the_same(rows: Any) -> None:
    valid = {
        key: fields
        for key, fields in rows.items()
        if fields[0] is not None or fields[1] is not None
    }
    records = [
        dict(zip(SCHEMA.names, (*key, *fields), strict=True)) for key, fields in valid.items()
    ]
    made = EvaluationColumns(pa.Table.from_pylist(records, SCHEMA).to_reader(), validate=True)
    ids = sorted({key[0] for key in valid})
    joined = made.join(pa.record_batch({SPAN_ID: pa.array(ids, pa.string())}))
    assert set(said(joined)) == set(valid)
    assert made.matched_count() == len(valid)
