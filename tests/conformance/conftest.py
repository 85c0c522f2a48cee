"""Behaviours are written once and run through every row of the table of `clients.py`."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from tests.conformance.clients import (
    CLIENTS,
    HOSTED_ENDPOINT,
    ON_HOSTED,
    ROWS,
    Client,
    Endpoint,
    vendor_client,
)
from tests.conformance.differences import difference
from tests.conformance.old_sdk import OldSdk

import spanduck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd
    from arize import ArizeClient
    from tests.conformance.clients import SpansMethods

    from spanduck.embedded import EmbeddedServer

__all__ = ["Client"]
KEPT = ("SPANDUCK_REAL_DATA", "SPANDUCK_REQUIRE")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what a row is known to do otherwise: a strict failure, so that it is seen when it ends."""
    for item in items:
        row = getattr(item, "callspec", None) and item.callspec.params.get("client")  # type: ignore[attr-defined]
        if item.path.parent == Path(__file__).parent and isinstance(row, str):
            known = difference(row.removesuffix(ON_HOSTED), item.path.name, item.name, row)
            if known is not None:
                item.add_marker(pytest.mark.xfail(raises=known.raises, reason=known.reason))


@contextmanager
def without_settings_from_outside() -> Iterator[None]:
    """Keep the settings of the person who runs the tests out of the SDKs and the server."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("ARIZE_", "SPANDUCK_")) and name not in KEPT:
                patch.delenv(name)
        # The vendor's progress bar cannot be switched off otherwise.
        patch.setenv("TQDM_DISABLE", "1")
        # gRPC and requests go through a proxy even to this machine unless told not to.
        patch.setenv("no_proxy", "127.0.0.1,localhost")
        yield


# A module and not a session: what it sets must not outlive the tests of this folder.
@pytest.fixture(scope="module", autouse=True)
def no_settings_from_outside() -> Iterator[None]:
    with without_settings_from_outside():
        yield


# One for all: each test has a project of its own. It starts before what a module sets.
@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with without_settings_from_outside():
        running = spanduck.serve(tmp_path_factory.mktemp("store"))
    with running:
        yield running


@pytest.fixture
def vendor(server: EmbeddedServer) -> ArizeClient:
    return vendor_client(Endpoint.of(server))


@pytest.fixture(scope="session")
def old_sdk() -> Iterator[Callable[[], OldSdk]]:
    """Return a function that starts the process of the vendor's SDK 8.30, once."""
    with ExitStack() as stack:
        started: list[OldSdk] = []

        def start() -> OldSdk:
            if not started:
                started.append(stack.enter_context(OldSdk()))
            return started[0]

        yield start


@pytest.fixture(scope="session")
def noon() -> datetime:
    """Noon, UTC, two days ago: where the test data lies."""
    today = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    return today - timedelta(days=2)


@pytest.fixture
def connect(
    server: EmbeddedServer, old_sdk: Callable[[], OldSdk], noon: datetime, tmp_path: Path
) -> Iterator[Callable[..., Client]]:
    """Return a function that makes the client of a row on a project of its own."""
    opened: list[SpansMethods] = []

    def make(row: str, *, project: str | None = None, api_key: str | None = None) -> Client:
        endpoint = Endpoint.of(server)
        if row.endswith(ON_HOSTED):
            assert HOSTED_ENDPOINT is not None
            endpoint = HOSTED_ENDPOINT
        kind = CLIENTS[row.removesuffix(ON_HOSTED)]
        opened.append(kind.connect(endpoint, api_key, old_sdk))
        return Client(
            name=row,
            kind=kind,
            endpoint=endpoint,
            spans=opened[-1],
            space=endpoint.space,
            project=project or f"{endpoint.project} {uuid4().hex[:12]}",
            window={"start_time": noon - timedelta(hours=6), "end_time": noon + timedelta(hours=6)},
            folder=tmp_path,
        )

    yield make
    for spans in opened:
        close = getattr(spans, "close", None)
        if close is not None:
            close()


@pytest.fixture(params=ROWS)
def client(request: pytest.FixtureRequest, connect: Callable[..., Client]) -> Client:
    return connect(request.param)


@pytest.fixture
def make_spans(noon: datetime) -> Callable[..., pd.DataFrame]:
    """Return a function that makes a frame of spans with the required columns and others.

    Span i starts i seconds after noon and lasts 1.5 s; its id is `span-000000000i`.
    """
    import pandas as pd

    def make(count: int, **columns: list[Any]) -> pd.DataFrame:
        start_ns = int(noon.timestamp()) * 1_000_000_000
        starts = [start_ns + i * 1_000_000_000 + 123_456_789 for i in range(count)]
        return pd.DataFrame(
            {
                "context.span_id": [f"span-{i:010}" for i in range(count)],
                "context.trace_id": [f"trace-{i // 3:010}" for i in range(count)],
                "parent_id": [f"span-{i - 1:010}" if i % 3 else None for i in range(count)],
                "name": [f"step {i % 3}" for i in range(count)],
                "start_time": starts,
                "end_time": [start + 1_500_000_000 for start in starts],
                "status_code": [("OK", "ERROR", "UNSET")[i % 3] for i in range(count)],
                "span_kind": [("CHAIN", "LLM", "TOOL")[i % 3] for i in range(count)],
                **columns,
            }
        )

    return make
