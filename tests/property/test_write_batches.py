"""Batching loses, duplicates and mixes up nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from spanduck._write.partition import by_span
from spanduck._write_back.kinds import EVAL
from spanduck._write_back.names import SentName
from spanduck._write_back.wire import wire_pieces, wire_schema

EVALUATIONS = tuple(
    SentName(EVAL, level, name, slot, ("label", "score"))
    for slot, (level, name) in enumerate([("span", "Q"), ("span", "q"), ("trace", "Q")])
)
SCHEMA = pa.schema(
    [
        ("value_id", pa.int64()),
        ("bucket", pa.int64()),
        ("span_id", pa.string()),
        ("slot", pa.int32()),
        ("label", pa.string()),
        ("score", pa.float64()),
        ("body", pa.string()),
    ]
)

Values = dict[tuple[str, int], tuple[str | None, float | None]]

values_of_spans = st.dictionaries(
    st.tuples(st.sampled_from(["s", "", "é", "s2", "s3", "s4", "s5"]), st.integers(0, 2)),
    st.tuples(
        st.none() | st.text(st.characters(codec="utf-8"), max_size=3), st.none() | st.floats(-1, 1)
    ).filter(any),
)


def batches(values: Values, rows: int, buckets: int) -> list[pa.RecordBatch]:
    table = pa.Table.from_pylist(
        [
            {
                "value_id": number,
                "bucket": sum(span_id.encode()) % buckets,
                "span_id": span_id,
                "slot": slot,
                "label": label,
                "score": score,
                "body": None,
            }
            for number, ((span_id, slot), (label, score)) in enumerate(values.items())
        ],
        schema=SCHEMA,
    )
    return list(table.to_batches(max_chunksize=rows))


@given(values_of_spans, st.integers(1, 4), st.integers(1, 4), st.integers(1, 5))
def test_every_value_is_in_one_cell_of_one_row_of_its_span(
    values: Values, read_rows: int, batch_rows: int, buckets: int
) -> None:
    schema = wire_schema("p", EVALUATIONS)
    with tempfile.TemporaryDirectory() as folder:
        stream = by_span(batches(values, read_rows, buckets), buckets, Path(folder))
        pieces = list(wire_pieces(stream, EVALUATIONS, schema, batch_rows=batch_rows, now_ms=1))
    rows: list[dict[str, Any]] = []
    for piece in pieces:
        assert 0 < len(piece.batch) <= batch_rows
        assert piece.batch.schema.equals(schema)
        rows += piece.batch.to_pylist()
    span_ids = [row["context.span_id"] for row in rows]
    assert len(span_ids) == len(set(span_ids))
    found = {}
    for row in rows:
        for slot, prefix in enumerate(["eval.Q", "eval.q", "trace_eval.Q"]):
            cell = (row[f"{prefix}.label"], row[f"{prefix}.score"])
            if cell != (None, None):
                found[row["context.span_id"], slot] = cell
    assert found == values
    # What is known of a call names exactly the values that were in it.
    ids = [number for piece in pieces for number in piece.value_ids.to_pylist()]
    assert sorted(ids) == list(range(len(values)))
    for piece in pieces:
        assert set(piece.span_ids.to_pylist()) == set(piece.batch.column(0).to_pylist())
