"""The command as people run it: a process of its own, on a server of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import spanduck
from spanduck import _sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from spanduck.embedded import EmbeddedServer

PROJECT = "fernway-support"
SPANS = 6_000


@dataclass(frozen=True)
class Command:
    """`spanduck` with an environment and a working directory of its own."""

    environment: dict[str, str]
    folder: Path

    def start(self, *arguments: str, **kwargs: Any) -> subprocess.Popen[str]:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            [sys.executable, "-m", "spanduck", *arguments],
            cwd=self.folder,
            text=True,
            **{"env": self.environment, **pipes, **kwargs},
        )

    def __call__(
        self, *arguments: str, given: str | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "spanduck", *arguments],
            env={**self.environment, **variables},
            cwd=self.folder,
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def clean_environment(**variables: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ARIZE_", "SPANDUCK_")) or name.startswith("SPANDUCK_TEST_")
    }
    return {**kept, "COLUMNS": "100", "no_proxy": "127.0.0.1,localhost", **variables}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with spanduck.serve(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture(scope="module")
def loaded(server: EmbeddedServer) -> EmbeddedServer:
    """A server with spans."""
    with spanduck.SpansClient(
        api_key=server.api_key,
        space=server.space,
        api_host=server.host,
        api_scheme="http",
        api_port=server.rest_port,
        flight_host=server.host,
        flight_port=server.flight_port,
        flight_scheme="grpc+tcp",
    ) as client:
        client.log(project_name=PROJECT, dataframe=_sample.generate_table(SPANS, days=2))
    return server


@pytest.fixture
def command(loaded: EmbeddedServer, tmp_path: Path) -> Command:
    """The command with the loaded server configured."""
    return Command(clean_environment(**loaded.environment()), tmp_path)


@pytest.fixture
def bare_command(tmp_path: Path) -> Command:
    """The command with nothing configured."""
    return Command(clean_environment(), tmp_path)
