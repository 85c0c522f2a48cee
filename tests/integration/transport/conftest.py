"""Settings that point at the `server` of a folder, and what calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from spanduck._config import load_settings
from spanduck._transport.rest import RestTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from spanduck._config import Settings


@pytest.fixture
def settings(server: Any, tmp_path: Path) -> Callable[..., Settings]:
    def make(**overrides: Any) -> Settings:
        given = {
            "api_key": server.KEY,
            "space": "U3BhY2U6MTphYmNk",
            "api_host": "127.0.0.1",
            "api_scheme": "http",
            "api_port": server.port,
            "read_timeout_s": 5.0,
            **overrides,
        }
        return load_settings(given, cwd=tmp_path)

    return make


@pytest.fixture
def rest(settings: Callable[..., Settings]) -> Iterator[RestTransport]:
    with RestTransport(settings()) as transport:
        yield transport
