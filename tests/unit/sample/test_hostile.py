"""The hostile share has everything that real traffic surprises with, and leaves the rest alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from spanduck import _sample

NOW = datetime(2026, 3, 18, 12, 0, tzinfo=UTC)
LATE = "attributes.deployment.region"
CHANGING = "attributes.experiment.weight"


@pytest.fixture(scope="module")
def batches() -> list[pa.RecordBatch]:
    return list(_sample.generate(8_000, now=NOW, batch_rows=1_000, hostile=True))


@pytest.fixture(scope="module")
def spans(batches: list[pa.RecordBatch]) -> pa.Table:
    return pa.concat_tables(
        [pa.Table.from_batches([batch]) for batch in batches], promote_options="permissive"
    )


def test_rows_are_as_many_and_deterministic(batches: list[pa.RecordBatch]) -> None:
    assert [len(batch) for batch in batches] == [1_000] * 8
    again = list(_sample.generate(8_000, now=NOW, batch_rows=1_000, hostile=True))
    assert all(a.equals(b) for a, b in zip(batches, again, strict=True))


def test_some_parents_are_outside_the_data(spans: pa.Table) -> None:
    parents = spans["parent_id"].drop_null()
    known = pc.is_in(parents, value_set=spans["context.span_id"].combine_chunks())
    assert 10 < len(parents) - pc.sum(known).as_py() < 120


def test_some_span_ids_come_twice(spans: pa.Table) -> None:
    assert 10 < len(spans) - len(pc.unique(spans["context.span_id"])) < 100


def test_some_clocks_are_hours_behind_but_no_span_ends_before_it_starts(spans: pa.Table) -> None:
    by_id = dict(
        zip(spans["context.span_id"].to_pylist(), spans["start_time"].to_pylist(), strict=True)
    )
    early = sum(
        start < by_id[parent] - 3_600_000_000_000
        for parent, start in zip(
            spans["parent_id"].to_pylist(), spans["start_time"].to_pylist(), strict=True
        )
        if parent in by_id
    )
    assert early > 5
    assert pc.all(pc.less_equal(spans["start_time"], spans["end_time"])).as_py()


def test_some_json_texts_are_empty(spans: pa.Table) -> None:
    for column in ("attributes.metadata", "attributes.llm.invocation_parameters"):
        empty = pc.sum(pc.equal(spans[column], "")).as_py()
        assert 0 < empty < 0.05 * len(spans)


def test_one_span_has_five_megabytes_within_the_limits_of_an_upload(spans: pa.Table) -> None:
    size = pc.add(
        pc.fill_null(pc.binary_length(spans["attributes.input.value"]), 0),
        pc.fill_null(pc.binary_length(spans["attributes.output.value"]), 0),
    )
    assert pc.sum(pc.greater(size, 5_000_000)).as_py() == 1
    assert pc.max(pc.utf8_length(spans["attributes.input.value"])).as_py() <= 4_000_000


def test_columns_appear_late_and_change_their_type(batches: list[pa.RecordBatch]) -> None:
    assert LATE not in batches[0].schema.names
    assert CHANGING not in batches[0].schema.names
    assert LATE in batches[-1].schema.names
    assert batches[1].schema.field(CHANGING).type == pa.int64()
    assert batches[-1].schema.field(CHANGING).type == pa.float64()
