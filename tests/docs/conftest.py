"""A server that the programs of the pages find by themselves."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import spanduck

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[spanduck.EmbeddedServer]:
    """A server that the environment names, and a working directory without settings."""
    for name in list(os.environ):
        if name.startswith(("ARIZE_", "SPANDUCK_")) and name != "SPANDUCK_UPDATE_DOCS":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    with spanduck.serve(tmp_path / "store") as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server
