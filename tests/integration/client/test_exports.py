"""`SpansClient.export` and what is made of it, on a server of its own."""

from __future__ import annotations

import gc
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.integration.client.rows import NOW, assert_no_exports

import spanduck
from spanduck import SpansClient
from spanduck.exceptions import (
    ConfigError,
    FilterError,
    ValidationError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from spanduck.embedded import EmbeddedServer


class TestExports:
    def test_bounds_are_exact_to_the_microsecond(self, client: SpansClient, logged: str) -> None:
        def starts(**bounds: Any) -> list[str]:
            reader = client.export(project_name=logged, columns=["context.span_id"], **bounds)
            assert reader.schema.names == ["time", "context.span_id"]
            return sorted(reader.read_all().column("context.span_id").to_pylist())

        at = [NOW - timedelta(seconds=number) for number in range(4)]
        tick = timedelta(microseconds=1)
        ids = [f"span-{number:012d}" for number in range(4)]
        assert starts(start_time=at[3], end_time=at[0]) == ids[1:]
        assert starts(start_time=at[3] + tick, end_time=at[0] + tick) == ids[:3]
        assert starts(start_time=at[1]) == ids[:2]
        naive = at[1].astimezone().replace(tzinfo=None)
        assert starts(start_time=naive) == ids[:2]

    def test_a_reader_that_is_closed_ends_the_export(
        self, client: SpansClient, server: EmbeddedServer, logged: str
    ) -> None:
        reader = client.export(project_name=logged, stream_chunk_size=10)
        assert reader.read_next_batch().num_rows == 10
        reader.close()
        reader.close()
        with pytest.raises(pa.ArrowInvalid):
            reader.read_next_batch()
        assert_no_exports(server)

    def test_a_reader_that_is_dropped_ends_the_export(
        self, client: SpansClient, server: EmbeddedServer, logged: str
    ) -> None:
        reader = client.export(project_name=logged, stream_chunk_size=10)
        reader.read_next_batch()
        del reader
        gc.collect()
        assert_no_exports(server)

    def test_a_closed_client_ends_its_exports(
        self, client: SpansClient, server: EmbeddedServer, logged: str
    ) -> None:
        reader = client.export(project_name=logged, stream_chunk_size=10)
        reader.read_next_batch()
        client.close()
        with pytest.raises(spanduck.Error, match="cancelled"):
            reader.read_all()
        assert_no_exports(server)

    def test_duckdb_reads_it(self, client: SpansClient, logged: str) -> None:
        reader = client.export(project_name=logged)
        con = duckdb.connect()
        con.register("exported", reader)
        assert con.execute("SELECT count(*) FROM exported").fetchall() == [(20_000,)]

    def test_a_frame_is_sorted_and_has_a_plain_index(
        self, client: SpansClient, logged: str
    ) -> None:
        frame = client.export_to_df(project_name=logged)
        assert len(frame) == 20_000
        assert frame["time"].is_monotonic_increasing
        assert frame.index.equals(pd.RangeIndex(20_000))
        assert frame["start_time"].dtype == "datetime64[ns]"
        assert "parent_id" not in frame.columns

    def test_a_frame_of_no_rows_has_no_columns(self, client: SpansClient, logged: str) -> None:
        past = NOW - timedelta(days=300)
        frame = client.export_to_df(
            project_name=logged, start_time=past, end_time=past + timedelta(days=1)
        )
        assert frame.shape == (0, 0)

    def test_a_parquet_file_is_the_export(
        self, client: SpansClient, logged: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "spans.parquet"
        path.write_text("what was there before")
        assert client.export_to_parquet(project_name=logged, path=str(path)) == 20_000
        assert pq.read_metadata(path).num_rows == 20_000
        assert list(tmp_path.iterdir()) == [path]

    def test_a_parquet_file_of_no_rows_has_the_columns(
        self, client: SpansClient, logged: str, tmp_path: Path
    ) -> None:
        past = NOW - timedelta(days=300)
        path = tmp_path / "none.parquet"
        bounds = {"start_time": past, "end_time": past + timedelta(days=1)}
        assert client.export_to_parquet(project=logged, path=path, **bounds) == 0
        assert "context.span_id" in pq.read_schema(path).names

    def test_synonyms(self, client: SpansClient, server: EmbeddedServer, logged: str) -> None:
        calls: list[dict[str, Any]] = [
            {"project": logged},
            {"project_name": logged, "space": server.space},
            {"project_name": logged, "space_id": server.space_id},
            {"project_name": logged, "space": server.space_id, "filter": ""},
        ]
        for arguments in calls:
            assert client.export(columns=["name"], **arguments).read_next_batch().num_rows
        with pytest.raises(ConfigError, match="two names of one argument"):
            client.export(project_name="a", project="b")

    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            ({"start_time": "2026-01-01"}, ValidationError),
            ({"start_time": NOW, "end_time": NOW}, ValidationError),
            ({"columns": "name"}, ValidationError),
            ({"columns": []}, ValidationError),
            ({"sample_rate": 0}, ValidationError),
            ({"stream_chunk_size": 0}, ValidationError),
            ({"stream_chunk_size": 5_001}, ValidationError),
            ({"where": "  "}, FilterError),
        ],
    )
    def test_impossible_arguments(
        self,
        client: SpansClient,
        logged: str,
        arguments: dict[str, Any],
        error: type[Exception],
    ) -> None:
        with pytest.raises(error):
            client.export(project_name=logged, **arguments)

    def test_threads_share_a_client(self, client: SpansClient, logged: str) -> None:
        counts: list[int] = []

        def read() -> None:
            counts.append(client.export(project_name=logged, columns=["name"]).read_all().num_rows)

        threads = [threading.Thread(target=read) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counts == [20_000] * 6
