from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import spanduck
from spanduck import SpansClient, embedded
from spanduck._config import load_settings
from spanduck._upload import parts
from spanduck.exceptions import (
    AuthenticationError,
    ConfigError,
    FilterError,
    RejectedError,
    UnavailableError,
    UnknownProjectError,
    ValidationError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from spanduck.embedded import EmbeddedServer

NOW = datetime.now(UTC).replace(microsecond=250_000)


def spans(count: int, **columns: Any) -> pa.Table:
    """Spans in wire types, a second apart, the first one the latest."""
    start = int(NOW.timestamp()) * 10**9 + 250_000_000
    table = pa.table(
        {
            "context.span_id": [f"span-{number:012d}" for number in range(count)],
            "context.trace_id": [f"trace-{number // 4:012d}" for number in range(count)],
            "name": [f"operation {number % 7}" for number in range(count)],
            "start_time": pa.array([start - n * 10**9 for n in range(count)], pa.int64()),
            "end_time": pa.array([start - n * 10**9 + 1_500_000 for n in range(count)], pa.int64()),
        }
    )
    for name, values in columns.items():
        table = table.append_column(
            name, values if isinstance(values, pa.Array) else pa.array(values)
        )
    return table


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with embedded.serve(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture
def client(
    server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SpansClient]:
    monkeypatch.chdir(tmp_path)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    with SpansClient() as made:
        yield made


@pytest.fixture
def project(request: pytest.FixtureRequest) -> str:
    return f"{request.node.name[:60]}-{time.time_ns()}"


@pytest.fixture(scope="module")
def logged(server: EmbeddedServer) -> str:
    with SpansClient(
        settings=load_settings({}).with_service(
            "test",
            api_key=server.api_key,
            space=server.space,
            api_host="127.0.0.1",
            api_scheme="http",
            api_port=server.rest_port,
            flight_host="127.0.0.1",
            flight_port=server.flight_port,
            flight_scheme="grpc+tcp",
        )
    ) as client:
        client.log(project_name="exports", dataframe=spans(20_000))
    return "exports"


class TestUploads:
    def test_what_was_logged_comes_back(self, client: SpansClient, project: str) -> None:
        frame = pd.DataFrame(
            {
                **spans(3).to_pandas(),
                "span_kind": "LLM",
                "attributes.metadata": [{"a": 1, "d": {"z": "ü"}}, None, {}],
                "attributes.llm.input_messages": [[{"message.role": "user"}], None, []],
            }
        )
        response = client.log(project_name=project, dataframe=frame)
        assert (response.status_code, response.spans, response.calls) == (200, 3, 1)
        back = client.export_to_df(project_name=project).set_index("context.span_id").sort_index()
        assert back["attributes.metadata"].tolist() == [{"a": 1, "d": '{"z": "ü"}'}, None, {}]
        assert back["attributes.llm.input_messages"].tolist() == [
            [{"message.role": "user"}],
            [],
            [],
        ]
        assert back["attributes.openinference.span.kind"].tolist() == ["LLM"] * 3
        assert back["start_time"].iloc[0] == pd.Timestamp(NOW).tz_localize(None)

    @pytest.mark.parametrize(
        "source", ["table", "reader", "batch", "relation", "stream", "frame", "polars-like"]
    )
    def test_anything_that_holds_rows_is_taken(
        self, client: SpansClient, project: str, source: str
    ) -> None:
        table = spans(20)

        class Stream:
            def __arrow_c_stream__(self, requested_schema: object = None) -> object:
                return views.__arrow_c_stream__(requested_schema)

        views = pa.table(
            {
                name: column.cast(pa.string_view()) if column.type == pa.string() else column
                for name, column in zip(table.column_names, table.columns, strict=True)
            }
        )
        con = duckdb.connect()
        data: Any = {
            "table": table,
            "reader": table.to_reader(7),
            "batch": table.to_batches()[0],
            "relation": con.from_arrow(table),
            "stream": Stream(),
            "frame": table.to_pandas(),
            "polars-like": views,
        }[source]
        assert client.log(project=project, dataframe=data).spans == 20
        back = client.export(project=project).read_all().sort_by("context.span_id")
        for name in table.column_names:
            assert back.column(name).to_pylist() == table.column(name).to_pylist()

    def test_what_spans_returns_can_be_logged_again(
        self, client: SpansClient, project: str
    ) -> None:
        given = spans(
            5,
            **{
                "attributes.metadata": ['{"a": 1}', "", None, "{}", '{"b": [1]}'],
                "attributes.llm.input_messages": [['{"message.role": "user"}'], [], None, [], []],
                "attributes.llm.token_count.total": [1, 2, None, 4, 5],
            },
        )
        client.log(project_name=project, dataframe=given)
        con = spanduck.connect()
        relation = con.sql("FROM spans(?)", params=[project])
        copy = f"{project}-copy"
        assert client.log(project_name=copy, dataframe=relation).spans == 5
        before, after = (
            client.export(project_name=name).read_all().sort_by("context.span_id")
            for name in (project, copy)
        )
        assert after.column("start_time").equals(before.column("start_time"))
        assert after.column("attributes.llm.input_messages").to_pylist() == [
            ['{"message.role": "user"}'], [], [], [], []
        ]  # fmt: skip
        assert after.column("attributes.llm.token_count.total").to_pylist() == [1, 2, None, 4, 5]
        con.close()

    def test_large_uploads_go_in_several_calls(
        self, client: SpansClient, project: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(parts, "PART_ROWS", 1_000)
        response = client.log(project_name=project, dataframe=spans(2_500))
        assert (response.spans, response.calls) == (2_500, 3)
        assert client.export(project_name=project).read_all().num_rows == 2_500

    def test_evaluations_go_along(self, client: SpansClient, project: str) -> None:
        evaluations = pa.table(
            {
                "context.span_id": ["span-000000000001", "span-000000000003"],
                "eval.Quality.label": ["good", None],
                "eval.Quality.score": [0.5, 1.0],
            }
        )
        response = client.log(project_name=project, dataframe=spans(5), evals_dataframe=evaluations)
        assert (response.spans, response.evaluations) == (5, 2)
        back = client.export(project_name=project).read_all().sort_by("context.span_id")
        assert back.column("eval.Quality.label").to_pylist() == [None, "good", None, None, None]
        assert back.column("eval.Quality.score").to_pylist() == [None, 0.5, None, 1.0, None]

    def test_evaluations_of_other_spans_are_told(self, client: SpansClient, project: str) -> None:
        evaluations = pa.table(
            {"context.span_id": ["span-of-another"], "eval.Quality.label": ["good"]}
        )
        with pytest.warns(UserWarning, match="1 rows of evals_dataframe.*span-of-another") as told:
            response = client.log(
                project_name=project, dataframe=spans(2), evals_dataframe=evaluations
            )
        assert response.evaluations == 0
        assert told[0].filename == __file__

    def test_columns_that_are_not_sent_are_told(self, client: SpansClient, project: str) -> None:
        table = spans(2, **{"cost": [1.0, 2.0], "eval.Q.label": ["a", "b"]})
        with pytest.warns(UserWarning, match="not sent") as told:
            client.log(project_name=project, dataframe=table)
        messages = [str(warning.message) for warning in told]
        assert len(messages) == 2
        assert "cost" in messages[0]
        assert "eval.Q.label" in messages[1]
        assert {warning.filename for warning in told} == {__file__}
        assert "cost" not in client.export(project_name=project).schema.names

    def test_every_problem_is_told_and_nothing_is_sent(
        self, client: SpansClient, project: str
    ) -> None:
        table = spans(30_000)
        names = table.column("name").to_pylist()
        names[25_000] = "x" * 51
        table = table.set_column(2, "name", pa.array(names)).drop_columns(["context.trace_id"])
        with pytest.raises(ValidationError) as caught:
            client.log(project_name=project, dataframe=table)
        error = caught.value
        assert [problem.split(":")[0] for problem in error.problems] == [
            "context.trace_id",
            "name, row 25000",
        ]
        with pytest.raises(UnknownProjectError):
            client.export(project_name=project)

    def test_without_validation_the_service_judges(self, client: SpansClient, project: str) -> None:
        table = spans(2).set_column(2, "name", pa.array(["x" * 80, "y"]))
        client.log(project_name=project, dataframe=table, validate=False)
        back = client.export(project_name=project).read_all()
        assert sorted(back.column("name").to_pylist()) == ["x" * 80, "y"]
        with pytest.raises(RejectedError, match="start_time"):
            client.log(
                project_name=project,
                dataframe=table.drop_columns(["start_time"]),
                validate=False,
            )

    def test_bodies_are_written_where_they_should_and_removed(
        self, client: SpansClient, project: str, tmp_path: Path
    ) -> None:
        folder = tmp_path / "bodies"
        folder.mkdir()
        client.log(project_name=project, dataframe=spans(2), tmp_dir=str(folder))
        assert list(folder.iterdir()) == []
        client.log(project_name=project, dataframe=spans(2), tmp_dir=str(folder / "x.arrow"))
        with pa.ipc.open_stream((folder / "x.arrow").read_bytes()) as reader:
            assert reader.read_all().num_rows == 2

    def test_threads_may_log_at_once(self, client: SpansClient, project: str) -> None:
        failed: list[BaseException] = []

        def log(number: int) -> None:
            metadata = pa.array([f'{{"from": {number}}}'] * 3_000)
            table = spans(3_000, **{"attributes.metadata": metadata})
            try:
                client.log(project_name=f"{project}-{number}", dataframe=table)
            except BaseException as exc:  # noqa: BLE001 - told below
                failed.append(exc)

        threads = [threading.Thread(target=log, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed
        for number in range(4):
            back = client.export(project_name=f"{project}-{number}").read_all()
            metadata = back.column("attributes.metadata").unique().to_pylist()
            assert [json.loads(text) for text in metadata] == [{"from": number}]
            assert back.num_rows == 3_000

    def test_progress_is_shown_on_stderr_when_asked_for(
        self, client: SpansClient, project: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with SpansClient(progress=True) as talkative:
            talkative.log(project_name=project, dataframe=spans(10))
            talkative.export_to_df(project_name=project)
        shown = capfd.readouterr()
        assert shown.out == ""
        assert "spans" in shown.err

    def test_a_frame_of_no_rows_is_sent(self, client: SpansClient, project: str) -> None:
        assert client.log(project_name=project, dataframe=spans(0)).spans == 0

    def test_the_frame_of_the_caller_is_not_changed(
        self, client: SpansClient, project: str
    ) -> None:
        frame = spans(3).to_pandas().set_index("context.span_id")
        frame["events"] = [[{"name": "e", "attributes": {"a": np.int64(1)}}]] * 3
        before = frame.copy(deep=True)
        client.log(project_name=project, dataframe=frame)
        pd.testing.assert_frame_equal(frame, before)


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


class TestUpdates:
    @pytest.mark.parametrize("force_http", [False, True])
    def test_evaluations_are_written(
        self, client: SpansClient, project: str, force_http: bool
    ) -> None:
        client.log(project_name=project, dataframe=spans(3))
        response = client.update_evaluations(
            project_name=project,
            dataframe=pa.table(
                {
                    "context.span_id": ["span-000000000001"],
                    "eval.Quality.label": ["good"],
                    "eval.Quality.score": [1.0],
                }
            ),
            force_http=force_http,
        )
        assert response.records_updated == 1
        assert response.unmatched_ids == ()
        back = client.export(project_name=project).read_all().sort_by("context.span_id")
        assert back.column("eval.Quality.label").to_pylist() == [None, "good", None]

    def test_a_new_evaluation_is_a_column_at_once(self, client: SpansClient, project: str) -> None:
        client.log(project_name=project, dataframe=spans(3))
        con = spanduck.connect()
        con.execute("FROM spans(?)", [project]).fetchall()
        client.update_evaluations(
            project_name=project,
            dataframe=pa.table({"context.span_id": ["span-000000000001"], "eval.New.label": ["x"]}),
        )
        query = 'SELECT count("eval.New.label") FROM spans(?)'
        assert con.execute(query, [project]).fetchall() == [(1,)]
        con.close()


class TestFailures:
    def test_a_wrong_key(self, server: EmbeddedServer, client: SpansClient, project: str) -> None:
        with SpansClient(
            settings=client.settings.with_service("test", api_key="not-the-key")
        ) as other:
            with pytest.raises(AuthenticationError):
                other.log(project_name=project, dataframe=spans(1))
            with pytest.raises(AuthenticationError):
                other.export(project_name=project)

    def test_an_unknown_project_names_near_matches(self, client: SpansClient, project: str) -> None:
        client.log(project_name=project, dataframe=spans(1))
        with pytest.raises(UnknownProjectError, match="Did you mean"):
            client.export(project_name=project[:-1])

    def test_an_unknown_space_names_near_matches(
        self, client: SpansClient, server: EmbeddedServer, project: str
    ) -> None:
        with pytest.raises(UnknownProjectError, match=f"Did you mean {server.space!r}"):
            client.export(project_name=project, space=f"{server.space}x")

    def test_no_space(
        self, client: SpansClient, monkeypatch: pytest.MonkeyPatch, project: str
    ) -> None:
        monkeypatch.delenv("ARIZE_SPACE")
        with SpansClient() as other, pytest.raises(ConfigError, match="ARIZE_SPACE") as caught:
            other.log(project_name=project, dataframe=spans(1))
        assert caught.value.setting == "space"

    def test_an_unknown_setting(self) -> None:
        with pytest.raises(ConfigError, match="Did you mean"):
            SpansClient(api_hst="x")

    def test_a_folder_that_is_not_there(self, client: SpansClient, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="does not exist"):
            client.export_to_parquet(project_name="x", path=tmp_path / "no" / "x.parquet")

    def test_what_holds_no_rows(self, client: SpansClient, project: str) -> None:
        with pytest.raises(ValidationError, match=r"builtins\.list"):
            client.log(project_name=project, dataframe=[{"a": 1}])

    def test_a_server_that_dies_leaves_no_parquet_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with embedded.serve(tmp_path / "store") as server:
            for name, value in server.environment().items():
                monkeypatch.setenv(name, value)
            folder = tmp_path / "out"
            folder.mkdir()
            with SpansClient(read_timeout_s=20) as client:
                text = pa.array(["x" * 2_000] * 40_000)
                client.log(
                    project_name="p", dataframe=spans(40_000, **{"attributes.input.value": text})
                )
                reader = client.export(project_name="p", stream_chunk_size=100)
                reader.read_next_batch()
                [pid] = [json.loads((tmp_path / "store" / "server.json").read_text())["pid"]]
                os.kill(pid, signal.SIGKILL)
                with pytest.raises(spanduck.Error):
                    reader.read_all()
                with pytest.raises(UnavailableError):
                    client.export_to_parquet(project_name="p", path=folder / "p.parquet")
            assert list(folder.iterdir()) == []


class TestTheDefault:
    def test_with_nothing_configured_the_embedded_server_is_used(self, tmp_path: Path) -> None:
        program = """
import pyarrow as pa, time, spanduck
now = time.time_ns()
rows = pa.table({"context.span_id": ["span-000000000001"], "context.trace_id": ["trace-00000000001"],
                 "name": ["a"], "start_time": [now], "end_time": [now]})
with spanduck.SpansClient() as client:
    client.log(project="p", dataframe=rows)
    print(client.export(project="p").read_all().num_rows)
"""
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ARIZE_", "SPANDUCK_"))
        }
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        server = json.loads((tmp_path / ".spanduck" / "server.json").read_text())
        os.kill(server["pid"], signal.SIGTERM)
        assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
        assert len(done.stderr.splitlines()) == 1


def assert_no_exports(server: EmbeddedServer) -> None:
    """Wait until the server has no open export."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        status = httpx.get(
            f"http://127.0.0.1:{server.rest_port}/spanduck/status",
            headers={"Authorization": f"Bearer {server.api_key}"},
            trust_env=False,
        ).json()
        if status["open_streams"] == 0:
            return
        time.sleep(0.05)
    raise AssertionError(status)
