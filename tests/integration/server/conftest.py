"""A bare client of pyarrow and httpx: what the server says is judged without our own client."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pyarrow as pa
import pyarrow.flight as fl  # noqa: TID251 - a test of the wire
import pytest

from spanduck import embedded
from spanduck._folder import read_address
from spanduck._wire import (
    ExportCommand,
    Trailer,
    UpdateResult,
    WriteCommand,
    WriteKind,
    flight_headers,
    rest_headers,
    upload_headers,
    upload_schema_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from spanduck._folder import ServerAddress
    from spanduck.embedded import EmbeddedServer


def spans(count: int, *, first: int = 0, **columns: Any) -> pa.Table:
    """Spans in the columns of the wire, a second apart, the last one a minute ago."""
    start = time.time_ns() - (60 + count) * 10**9
    numbers = range(first, first + count)
    table = pa.table(
        {
            "context.span_id": [f"span-{number:012d}" for number in numbers],
            "context.trace_id": [f"trace-{number // 4:012d}" for number in numbers],
            "parent_id": pa.array([None] * count, pa.string()),
            "name": [f"operation {number % 7}" for number in numbers],
            "start_time": pa.array([start + n * 10**9 for n in range(count)], pa.int64()),
            "end_time": pa.array([start + n * 10**9 + 1_500_000 for n in range(count)], pa.int64()),
            "status_code": ["OK"] * count,
        }
    )
    for name, values in columns.items():
        array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
        table = table.append_column(name, array)
    return table


def body(table: pa.Table, project: str, batch_rows: int = 10_000) -> bytes:
    """An upload's body."""
    table = table.replace_schema_metadata({b"arize-schema": upload_schema_text(project)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for batch in table.to_batches(batch_rows):
            writer.write_batch(batch)
    content: bytes = sink.getvalue().to_pybytes()
    return content


@dataclass
class Caller:
    """Calls one server."""

    server: EmbeddedServer | ServerAddress
    flight: fl.FlightClient = field(init=False)
    rest: httpx.Client = field(init=False)
    options: fl.FlightCallOptions = field(init=False)

    def __post_init__(self) -> None:
        self.flight = fl.connect(f"grpc://127.0.0.1:{self.server.flight_port}")
        self.options = fl.FlightCallOptions(
            headers=flight_headers(self.server.api_key), timeout=60.0
        )
        self.rest = httpx.Client(
            base_url=f"http://127.0.0.1:{self.server.rest_port}",
            headers=rest_headers(self.server.api_key),
            timeout=60.0,
        )

    def options_headers(self) -> list[tuple[bytes, bytes]]:
        return flight_headers(self.server.api_key)

    def close(self) -> None:
        self.flight.close()
        self.rest.close()

    def post(
        self, content: bytes, *, rows: int | None = None, space: str | None = None
    ) -> httpx.Response:
        headers = upload_headers(self.server.api_key, space or self.server.space_id, rows or 0)
        return self.rest.post("/v1/pandas_arrow", content=content, headers=headers)

    def upload(self, table: pa.Table, project: str = "p") -> None:
        response = self.post(body(table, project), rows=table.num_rows)
        assert response.status_code == 200, response.text

    def info(self, project: str = "p", **command: Any) -> fl.FlightInfo:
        asked = ExportCommand(space=self.server.space_id, project=project, **command)
        descriptor = fl.FlightDescriptor.for_command(asked.to_json())
        return self.flight.get_flight_info(descriptor, self.options)

    def read(self, info: fl.FlightInfo) -> pa.Table:
        reader = self.flight.do_get(info.endpoints[0].ticket, self.options)
        batches, trailer = [], None
        for chunk in reader:
            batches.append(chunk.data)
            trailer = Trailer.from_bytes(chunk.app_metadata)
        table = pa.Table.from_batches(batches, reader.schema)
        assert trailer == Trailer(table.num_rows)
        assert info.total_records == table.num_rows
        assert info.schema.equals(reader.schema, check_metadata=True)
        return table

    def export(self, project: str = "p", **command: Any) -> pa.Table:
        return self.read(self.info(project, **command))

    def rows(self, project: str = "p", **command: Any) -> dict[str, dict[str, Any]]:
        """Exported rows by span id."""
        listed = self.export(project, **command).to_pylist()
        return {row["context.span_id"]: row for row in listed}

    def put(
        self, table: pa.Table, project: str = "p", *, kind: str = "evaluations"
    ) -> UpdateResult:
        return UpdateResult.from_bytes(self.send(table, project, kind=kind))

    def send(self, table: pa.Table, project: str, *, kind: str) -> bytes:
        command = WriteCommand(WriteKind(kind), self.server.space_id, project)
        descriptor = fl.FlightDescriptor.for_command(command.to_json())
        writer, results = self.flight.do_put(descriptor, table.schema, self.options)
        with writer:
            writer.write_table(table, max_chunksize=10_000)
            writer.done_writing()
            answer = results.read()
        said: bytes = answer.to_pybytes()
        return said

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.rest.get("/spanduck/status").json()
        return answer

    def wait_for_open_streams(self, count: int, limit_s: float = 10.0) -> None:
        deadline = time.monotonic() + limit_s
        while (found := self.status()["open_streams"]) != count:
            assert time.monotonic() < deadline, f"{found} streams are open, not {count}"
            time.sleep(0.02)


@contextlib.contextmanager
def rewriting_server(folder: Path) -> Iterator[Caller]:
    """A caller of a server that rewrites tables from a thousand dead rows on."""
    options = ["--min-dead-rows", "1000", "--rewrite-after", "0.1", "--stop-with-stdin"]
    process = subprocess.Popen(
        [sys.executable, "-m", "spanduck.server", "--path", str(folder), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()
    address = read_address(folder)
    assert address is not None
    made = Caller(address)
    yield made
    made.close()
    process.stdin.close()
    assert process.wait(timeout=30) == 0
    process.stdout.close()


class Tools:
    """What the tests of this folder share; a fixture, because test folders are no packages."""

    spans = staticmethod(spans)
    body = staticmethod(body)
    rewriting_server = staticmethod(rewriting_server)
    Caller = Caller


@pytest.fixture(scope="session")
def tools() -> type[Tools]:
    return Tools


@pytest.fixture(scope="module")
def module_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with embedded.serve(tmp_path_factory.mktemp("store")) as server:
        yield server


@pytest.fixture
def caller(module_server: EmbeddedServer) -> Iterator[Caller]:
    """A caller of a server that the tests of a file share: use a project of your own."""
    made = Caller(module_server)
    yield made
    made.close()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    with embedded.serve(tmp_path / "store") as server:
        yield server


@pytest.fixture
def own_caller(own_server: EmbeddedServer) -> Iterator[Caller]:
    """A caller of a server that no other test uses."""
    made = Caller(own_server)
    yield made
    made.close()
