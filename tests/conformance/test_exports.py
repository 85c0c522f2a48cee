"""What an export asks for is what comes: window, filter, columns, sample, chunks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from tests.conformance.clients import vendor_client

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from tests.conformance.clients import Client

    MakeSpans = Callable[..., pd.DataFrame]


def test_export_to_df_sorts_by_time_and_makes_timestamps(
    client: Client, make_spans: MakeSpans
) -> None:
    spans = make_spans(9)
    client.log(spans.sample(frac=1, random_state=7))
    frame = client.export_to_df()
    assert frame["context.span_id"].tolist() == spans["context.span_id"].tolist()
    assert frame["start_time"].map(lambda moment: moment.value).tolist() == (
        spans["start_time"].tolist()
    )


def test_an_all_null_column_is_dropped_from_the_frame_only(
    client: Client, make_spans: MakeSpans
) -> None:
    client.log(make_spans(3, **{"attributes.custom.nothing": [None, None, None]}))
    assert "attributes.custom.nothing" not in client.export_to_df().columns
    assert client.export()["attributes.custom.nothing"].null_count == 3


def test_the_window_is_half_open_on_the_start(
    client: Client, make_spans: MakeSpans, noon: datetime
) -> None:
    spans = make_spans(4)
    spans["start_time"] -= 123_456_789  # whole seconds, as the wire carries them
    client.log(spans)
    got = client.rows_by_id(
        start_time=noon + timedelta(seconds=1), end_time=noon + timedelta(seconds=3)
    )
    assert sorted(got) == ["span-0000000001", "span-0000000002"]


def test_the_chunk_size_bounds_the_rows_of_a_batch(
    connect: Callable[..., Client], make_spans: MakeSpans
) -> None:
    client = connect("vendor")
    client.log(make_spans(1_000))
    path = client.folder / "batches.parquet"
    client.export(path=str(path), stream_chunk_size=70)
    # The vendor's SDK writes a row group for every batch.
    metadata = pq.read_metadata(path)
    sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert sum(sizes) == 1_000
    assert max(sizes) <= 70


def test_a_filter_selects(client: Client, make_spans: MakeSpans) -> None:
    client.log(make_spans(6, **{"attributes.custom.value": ["it's", "b", "c", "d", "e", "f"]}))
    assert sorted(client.rows_by_id(where="status_code = 'ERROR'")) == [
        "span-0000000001",
        "span-0000000004",
    ]
    assert sorted(client.rows_by_id(where="parent_id IS NULL")) == [
        "span-0000000000",
        "span-0000000003",
    ]
    assert sorted(client.rows_by_id(where="attributes.custom.value >= 'e'")) == [
        "span-0000000000",
        "span-0000000004",
        "span-0000000005",
    ]


def test_a_filter_may_read_what_is_not_exported(client: Client, make_spans: MakeSpans) -> None:
    metadata = [{"tier": "gold", "n": 1}, {"tier": "tin", "n": 2}, {"n": 3}]
    client.log(make_spans(3, **{"attributes.metadata": metadata}))
    columns = ["context.span_id"]
    for text, numbers in (
        ("attributes.metadata.tier = 'gold'", [0]),
        ("attributes.metadata.n >= 2", [1, 2]),
        ("attributes.metadata.tier IS NULL", [2]),
        ("attributes.unheard.of IS NULL", [0, 1, 2]),
    ):
        got = client.rows_by_id(where=text, columns=columns)
        assert sorted(got) == [f"span-{number:010}" for number in numbers]
    assert len(client.export_to_df(where="attributes.unheard.of = 'x'")) == 0


def test_a_bad_filter_is_refused_and_told_why(client: Client, make_spans: MakeSpans) -> None:
    client.log(make_spans(1))
    with pytest.raises(client.kind.call_failed, match="did you mean status_code"):
        client.export_to_df(where="statuscode = 'ERROR'")


def test_columns_are_projected_and_time_comes_along(client: Client, make_spans: MakeSpans) -> None:
    client.log(make_spans(2, **{"attributes.custom.value": ["a", "b"]}))
    table = client.export(columns=["context.span_id", "attributes.custom.value"])
    assert set(table.column_names) - {"time"} == {"context.span_id", "attributes.custom.value"}
    frame = client.export_to_df(columns=["name"])
    assert frame["name"].tolist() == ["step 0", "step 1"]


def test_a_sample_keeps_whole_traces_and_is_the_same_again(
    client: Client, make_spans: MakeSpans
) -> None:
    client.log(make_spans(600))
    sample = client.rows_by_id(sample_rate=0.5)
    assert 0 < len(sample) < 600
    traces = [row["context.trace_id"] for row in sample.values()]
    assert all(traces.count(trace) == 3 for trace in set(traces))
    assert client.rows_by_id(sample_rate=0.5).keys() == sample.keys()
    assert len(client.rows_by_id(sample_rate=1.0)) == 600


def test_nothing_in_the_window_is_an_empty_frame(client: Client, make_spans: MakeSpans) -> None:
    client.log(make_spans(1))
    frame = client.export_to_df(
        start_time=datetime(2020, 1, 1, tzinfo=UTC), end_time=datetime(2020, 1, 2, tzinfo=UTC)
    )
    assert len(frame) == 0


def test_space_and_project_may_be_given_by_name_or_id(
    client: Client, make_spans: MakeSpans
) -> None:
    client.log(make_spans(2))
    vendor = vendor_client(client.endpoint)
    space_name = vendor.spaces.get(space=client.space).name
    project = vendor.projects.get(project=client.project, space=client.space)
    for space in (client.space, space_name):
        for name in (client.project, project.id):
            assert len(client.rows_by_id(space_id=space, project_name=name)) == 2
