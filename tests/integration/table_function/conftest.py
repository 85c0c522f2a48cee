from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

import spanduck
from spanduck import embedded
from spanduck._config import load_settings
from spanduck._transport.rest import RestTransport
from spanduck._wire import UPLOAD_SCHEMA_KEY, upload_schema_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import duckdb

    from spanduck.embedded import EmbeddedServer


@pytest.fixture
def con(
    fake_service: Any, make_wire_spans: Callable[..., pa.Table]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection on a service with one project `p` of 100 spans, in batches of 10."""
    fake_service.tables["p"] = make_wire_spans(100)
    con = spanduck.connect(settings=fake_service.settings(stream_chunk_rows=10, read_timeout_s=2))
    yield con
    con.close()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with embedded.serve(tmp_path_factory.mktemp("store")) as server:
        yield server


@pytest.fixture
def upload(server: EmbeddedServer, tmp_path: Path) -> Callable[[str, pa.Table], None]:
    def send(project: str, spans: pa.Table) -> None:
        schema = spans.schema.with_metadata({UPLOAD_SCHEMA_KEY: upload_schema_text(project)})
        path = tmp_path / "body"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as writer:
            writer.write_table(spans.replace_schema_metadata(schema.metadata))
        with RestTransport(server_settings(server)) as rest:
            rest.upload(path, space=server.space_id, rows=spans.num_rows)

    return send


def server_settings(server: EmbeddedServer, **overrides: Any) -> Any:
    prefix = len("ARIZE_")
    given = {name[prefix:].lower(): value for name, value in server.environment().items()}
    return load_settings({**given, **overrides})


@pytest.fixture
def real(server: EmbeddedServer) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection on the embedded server."""
    con = spanduck.connect(settings=server_settings(server))
    yield con
    con.close()


@pytest.fixture
def environment(fake_service: Any) -> dict[str, str]:
    """Variables that point a program at the fake service."""
    return {
        **os.environ,
        "ARIZE_API_KEY": "k",
        "ARIZE_SPACE": "fake",
        "ARIZE_FLIGHT_HOST": "127.0.0.1",
        "ARIZE_FLIGHT_PORT": str(fake_service.port),
        "ARIZE_FLIGHT_SCHEME": "grpc+tcp",
        "SPANDUCK_STREAM_CHUNK_ROWS": "10",
    }


@pytest.fixture
def run_script(
    environment: dict[str, str], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a Python program against the fake service."""

    def run(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", text, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environment,
            cwd=tmp_path,
        )

    return run


@pytest.fixture
def start_script(
    environment: dict[str, str], tmp_path: Path
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a Python program against the fake service."""
    started: list[subprocess.Popen[str]] = []

    def start(text: str) -> subprocess.Popen[str]:
        script = subprocess.Popen(
            [sys.executable, "-c", text],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=tmp_path,
        )
        started.append(script)
        return script

    yield start
    for script in started:
        script.kill()
        script.communicate()
