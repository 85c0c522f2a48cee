"""Behaviours are written once and run through every client of the table `CLIENTS`.

The vendor's SDK is the unmodified package: what it sends and what it makes of the answers is the
measure. Ours has the same method and argument names without the `.spans`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from arize import ArizeClient
from arize.exceptions.auth import AuthenticationError as VendorAuthenticationError
from arize.exceptions.http import APIError

import spanduck
from spanduck import exceptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pandas as pd

    from spanduck.embedded import EmbeddedServer


# The span methods that both clients have. `Any`: their results and declared arguments differ in the
# detail, and the tests judge by the data.
SpansMethods = Any


@dataclass(frozen=True)
class Client:
    """One client on one project of its own.

    Attributes:
        name: Its row in `CLIENTS`.
        spans: Its span methods.
        space: Id of the space.
        project: Name of a project that no other test uses.
        window: Arguments that bound an export to the test data.
        folder: An empty folder.
        upload_refused: What it raises when an upload is refused with 4xx.
        key_refused: What it raises on REST and upload for a wrong key.
        call_failed: What it raises when a Flight call fails.
    """

    name: str
    spans: SpansMethods
    space: str
    project: str
    window: dict[str, datetime]
    folder: Path
    upload_refused: type[Exception]
    key_refused: type[Exception]
    call_failed: type[Exception]

    def log(self, spans: pd.DataFrame, evaluations: pd.DataFrame | None = None) -> None:
        self.spans.log(
            space_id=self.space,
            project_name=self.project,
            dataframe=spans,
            evals_dataframe=evaluations,
        )

    def update_evaluations(self, rows: pd.DataFrame) -> tuple[int, set[str]]:
        """Return (records updated, unmatched ids) by Flight."""
        answer = self.spans.update_evaluations(
            space_id=self.space, project_name=self.project, dataframe=rows
        )
        if isinstance(answer, dict):
            # The vendor's: counts are text, and absent when zero.
            return int(answer.get("records_updated", "0")), set(answer.get("unmatched_ids", []))
        return answer.records_updated, set(answer.unmatched_ids)

    def update_evaluations_by_http(self, rows: pd.DataFrame) -> None:
        self.spans.update_evaluations(
            space_id=self.space, project_name=self.project, dataframe=rows, force_http=True
        )

    def export_to_df(self, **options: Any) -> pd.DataFrame:
        arguments = {"space_id": self.space, "project_name": self.project, **self.window, **options}
        frame: pd.DataFrame = self.spans.export_to_df(**arguments)
        return frame

    def export(self, **options: Any) -> pa.Table:
        """Return the export as it came over the wire, through the client's parquet file."""
        path = self.folder / f"{uuid4().hex}.parquet"
        arguments = {"space_id": self.space, "project_name": self.project, **self.window, **options}
        self.spans.export_to_parquet(path=str(path), **arguments)
        return pq.read_table(path)

    def rows_by_id(self, **options: Any) -> dict[str, dict[str, Any]]:
        rows: list[dict[str, Any]] = self.export(**options).to_pylist()
        by_id = {row["context.span_id"]: row for row in rows}
        assert len(by_id) == len(rows), "a span came twice"
        return by_id


def vendor_client(server: EmbeddedServer, api_key: str | None = None) -> ArizeClient:
    return ArizeClient(
        api_key=api_key or server.api_key,
        api_host="127.0.0.1",
        api_scheme="http",
        api_port=server.rest_port,
        flight_host="127.0.0.1",
        flight_port=server.flight_port,
        flight_scheme="grpc+tcp",
    )


def vendor_spans(server: EmbeddedServer, api_key: str | None) -> SpansMethods:
    return vendor_client(server, api_key).spans


def our_spans(server: EmbeddedServer, api_key: str | None) -> SpansMethods:
    return spanduck.SpansClient(
        api_key=api_key or server.api_key,
        api_host="127.0.0.1",
        api_scheme="http",
        api_port=server.rest_port,
        flight_host="127.0.0.1",
        flight_port=server.flight_port,
        flight_scheme="grpc+tcp",
    )


@dataclass(frozen=True)
class ClientKind:
    """A row of the table of clients."""

    connect: Callable[[EmbeddedServer, str | None], SpansMethods]
    upload_refused: type[Exception]
    key_refused: type[Exception]
    call_failed: type[Exception]


CLIENTS = {
    "vendor": ClientKind(vendor_spans, APIError, VendorAuthenticationError, RuntimeError),
    "spanduck": ClientKind(
        our_spans, exceptions.RejectedError, exceptions.AuthenticationError, exceptions.Error
    ),
}


# A module and not a session: what it sets must not outlive the tests of this folder.
@pytest.fixture(scope="module", autouse=True)
def no_settings_from_outside() -> Iterator[None]:
    """Keep the settings of the person who runs the tests out of both SDKs."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("ARIZE_", "SPANDUCK_")) and name != "SPANDUCK_REAL_DATA":
                patch.delenv(name)
        # The vendor's progress bar cannot be switched off otherwise.
        patch.setenv("TQDM_DISABLE", "1")
        # gRPC and requests go through a proxy even to this machine unless told not to.
        patch.setenv("no_proxy", "127.0.0.1,localhost")
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with spanduck.serve(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture
def vendor(server: EmbeddedServer) -> ArizeClient:
    return vendor_client(server)


@pytest.fixture(scope="session")
def noon() -> datetime:
    """Noon, UTC, two days ago: where the test data lies."""
    today = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    return today - timedelta(days=2)


@pytest.fixture
def connect(
    server: EmbeddedServer, noon: datetime, tmp_path: Path
) -> Iterator[Callable[..., Client]]:
    """Return a function that makes a client of a kind on a project of its own."""
    opened: list[SpansMethods] = []

    def make(kind: str, *, project: str | None = None, api_key: str | None = None) -> Client:
        row = CLIENTS[kind]
        opened.append(row.connect(server, api_key))
        return Client(
            name=kind,
            spans=opened[-1],
            space=server.space_id,
            project=project or f"project {uuid4().hex[:12]}",
            window={"start_time": noon - timedelta(hours=6), "end_time": noon + timedelta(hours=6)},
            folder=tmp_path,
            upload_refused=row.upload_refused,
            key_refused=row.key_refused,
            call_failed=row.call_failed,
        )

    yield make
    for spans in opened:
        close = getattr(spans, "close", None)
        if close is not None:
            close()


@pytest.fixture(params=list(CLIENTS))
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
