from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

import spanduck
from spanduck import SpansClient
from spanduck._config import load_settings
from spanduck._transport.flight import FlightTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from spanduck._config import Settings
    from spanduck.embedded import EmbeddedServer

SPANS = 300


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A local folder of each test's own, where a state is kept that is named nowhere else."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SPANDUCK_HOME", str(folder))
    return folder


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with spanduck.serve(tmp_path_factory.mktemp("store")) as server:
        yield server


@pytest.fixture
def settings(server: EmbeddedServer) -> dict[str, Any]:
    """Settings by name that lead to the server."""
    return {
        name.removeprefix("ARIZE_").lower(): value for name, value in server.environment().items()
    }


@pytest.fixture
def resolved(settings: dict[str, Any]) -> Settings:
    """The same, checked and with every default."""
    return load_settings(settings)


@pytest.fixture
def flight(resolved: Settings) -> Iterator[FlightTransport]:
    with FlightTransport(resolved) as transport:
        yield transport


@pytest.fixture
def new_project(settings: dict[str, Any]) -> Callable[[str], str]:
    """Make a project of spans `span-000000000000` and so on, and return its name."""

    def make(name: str) -> str:
        start = int(datetime.now(UTC).timestamp()) * 10**9 - 10**12
        spans = pa.table(
            {
                "context.span_id": [f"span-{number:012d}" for number in range(SPANS)],
                "context.trace_id": [f"trace-{number // 4:012d}" for number in range(SPANS)],
                "name": ["operation"] * SPANS,
                "start_time": pa.array([start + n for n in range(SPANS)], pa.int64()),
                "end_time": pa.array([start + 10**9] * SPANS, pa.int64()),
            }
        )
        with SpansClient(**settings) as client:
            client.log(project_name=name, dataframe=spans)
        return name

    return make


@pytest.fixture
def stored(settings: dict[str, Any]) -> Callable[[str], dict[tuple[str, str], Any]]:
    """Read every field of every evaluation of a project back, by span and column."""

    def read(project: str) -> dict[tuple[str, str], Any]:
        with SpansClient(**settings) as client:
            rows = client.export(project_name=project).read_all().to_pylist()
        return {
            (row["context.span_id"], name): value
            for row in rows
            for name, value in row.items()
            if "eval." in name and value is not None
        }

    return read
