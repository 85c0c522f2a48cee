"""Writing to spans, what goes wrong, and the client with nothing configured."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from tests.integration.client.rows import spans

import spanduck
from spanduck import SpansClient, embedded
from spanduck.exceptions import (
    AuthenticationError,
    ConfigError,
    UnavailableError,
    UnknownProjectError,
    ValidationError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from spanduck.embedded import EmbeddedServer


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
