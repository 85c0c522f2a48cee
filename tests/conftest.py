"""What every test folder shares."""

from __future__ import annotations

import signal
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.flight as fl  # noqa: TID251 - a service that misbehaves as told
import pytest
from hypothesis import settings

from spanduck._config import load_settings
from spanduck._wire import ExportCommand, Trailer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from spanduck._config import Settings

# No deadline: on a busy machine an example that takes 5 ms can take 250 ms once, which says nothing
# about the code. `pytest-timeout` bounds each test as a whole.
settings.register_profile("spanduck", deadline=None)
settings.load_profile("spanduck")

FAKE_KEY = "ak-fake-0123456789"

# A shell's background job ignores Ctrl-C, and so would every process that the tests start and then
# interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass
class Misbehaviour:
    """How an export goes wrong; by default it does not.

    Attributes:
        stop_after: Batches after which the stream ends with status OK.
        fail_after: Batches after which it ends with an error.
        hang_after: Batches after which nothing comes any more.
        trailer_rows: What the trailer says; -1 for the truth, None for no trailer.
        total_records: What the announcement says; None for the truth.
        has_schema: Whether the announcement carries the schema.
        info_error: Raised by each announcement.
        drop_tickets: How many tickets are forgotten before one is kept.
        sees_window: Whether the window is applied.
        pause_s: Before each batch.
        extra_columns: Added to the stream though nobody announced them.
        refuses: Returns what is raised of an export with this filter, None for nothing.
        refuses_at: When: at its announcement, when the ticket is redeemed, or before a batch.
    """

    stop_after: int | None = None
    fail_after: int | None = None
    hang_after: int | None = None
    trailer_rows: int | None = -1
    total_records: int | None = None
    has_schema: bool = True
    info_error: Exception | None = None
    drop_tickets: int = 0
    sees_window: bool = True
    pause_s: float = 0.0
    extra_columns: dict[str, Any] = field(default_factory=dict)
    refuses: Callable[[str], Exception | None] = lambda _: None
    refuses_at: str = "info"


class FakeService(fl.FlightServerBase):  # type: ignore[misc]  # pyarrow is untyped
    """A Flight service over tables in memory, wire types, by project."""

    def __init__(self) -> None:
        super().__init__("grpc+tcp://127.0.0.1:0")
        self.tables: dict[str, pa.Table] = {}
        self.misbehaviour = Misbehaviour()
        self.commands: list[ExportCommand] = []
        self.batches_sent: dict[str, int] = defaultdict(int)
        self.open_streams = 0
        self.let_go = threading.Event()
        self._lock = threading.Lock()

    def settings(self, **overrides: Any) -> Settings:
        """Settings that point a client at this service."""
        return load_settings(
            {
                "api_key": FAKE_KEY,
                "space": "fake",
                "flight_host": "127.0.0.1",
                "flight_port": self.port,
                "flight_scheme": "grpc+tcp",
                "api_host": "127.0.0.1",
                "api_scheme": "http",
                "api_port": 1,  # nobody is there
                **overrides,
            }
        )

    def get_flight_info(self, context: Any, descriptor: fl.FlightDescriptor) -> fl.FlightInfo:
        command = ExportCommand.from_json(descriptor.command)
        with self._lock:
            self.commands.append(command)
        wrong = self.misbehaviour
        if wrong.info_error is not None:
            raise wrong.info_error
        self._refuse(command, "info")
        if command.project not in self.tables:
            raise pa.ArrowKeyError(f"no project {command.project!r}")
        table = self._selected(command)
        total = table.num_rows if wrong.total_records is None else wrong.total_records
        schema = table.schema if wrong.has_schema else pa.schema([])
        endpoint = fl.FlightEndpoint(command.to_json(), [])
        return fl.FlightInfo(schema, descriptor, [endpoint], total, -1)

    def do_get(self, context: Any, ticket: fl.Ticket) -> fl.FlightDataStream:
        command = ExportCommand.from_json(ticket.ticket)
        if self.misbehaviour.drop_tickets > 0:
            self.misbehaviour.drop_tickets -= 1
            raise pa.ArrowKeyError("no such ticket")
        self._refuse(command, "get")
        table = self._selected(command)
        for name, values in self.misbehaviour.extra_columns.items():
            table = table.append_column(name, pa.repeat(values, table.num_rows))
        return fl.GeneratorStream(table.schema, self._stream(command, table))

    def wait_closed(self, timeout_s: float = 5.0) -> bool:
        """Wait until no stream is open."""
        return self.wait_open(0, timeout_s)

    def wait_open(self, streams: int, timeout_s: float = 5.0) -> bool:
        """Wait until so many streams are open: a client has the schema before the first batch."""
        deadline = time.monotonic() + timeout_s
        while self.open_streams != streams and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.open_streams == streams

    def _stream(self, command: ExportCommand, table: pa.Table) -> Iterator[Any]:
        with self._lock:
            self.open_streams += 1
        try:
            yield from self._batches(command, table)
        finally:
            with self._lock:
                self.open_streams -= 1

    def _batches(self, command: ExportCommand, table: pa.Table) -> Iterator[Any]:
        wrong = self.misbehaviour
        self._refuse(command, "batch")
        batches = table.combine_chunks().to_batches(max_chunksize=command.stream_chunk_size or 1000)
        for index, batch in enumerate(batches):
            if index == wrong.stop_after:
                return
            if index == wrong.fail_after:
                raise fl.FlightServerError("the disk is on fire")
            if index == wrong.hang_after:
                self.let_go.wait(30)
                return
            time.sleep(wrong.pause_s)
            self.batches_sent[command.project] += 1
            is_last = index == len(batches) - 1
            if is_last and wrong.trailer_rows is not None:
                rows = table.num_rows if wrong.trailer_rows < 0 else wrong.trailer_rows
                yield batch, Trailer(rows).to_bytes()
            else:
                yield batch

    def _refuse(self, command: ExportCommand, at: str) -> None:
        wrong = self.misbehaviour
        error = wrong.refuses(command.filter_expression) if wrong.refuses_at == at else None
        if error is not None:
            raise error

    def _selected(self, command: ExportCommand) -> pa.Table:
        table = self.tables[command.project]
        if self.misbehaviour.sees_window:
            if command.start_time is not None:
                table = table.filter(
                    pc.greater_equal(table["start_time"], _nanoseconds(command.start_time))
                )
            if command.end_time is not None:
                table = table.filter(pc.less(table["start_time"], _nanoseconds(command.end_time)))
        if command.projected_columns:
            known = [name for name in command.projected_columns if name in table.column_names]
            table = table.select(list(dict.fromkeys(["time", *known])))
        return table


def _nanoseconds(moment: datetime) -> pa.Scalar:
    # Clamped to what 64 bits of nanoseconds hold.
    return pa.scalar(max(-(2**63), min(2**63 - 1, round(moment.timestamp()) * 10**9)), pa.int64())


@pytest.fixture
def fake_service() -> Iterator[FakeService]:
    """A service that misbehaves as told."""
    with FakeService() as service:
        yield service
        service.let_go.set()


@pytest.fixture(scope="module")
def shared_fake_service() -> Iterator[FakeService]:
    """The same for tests that change nothing about it but add projects."""
    with FakeService() as service:
        yield service
        service.let_go.set()


@pytest.fixture(scope="session")
def make_wire_spans() -> Callable[..., pa.Table]:
    """Make spans in wire types: a row a second from a time on, and whatever columns are given."""
    return wire_spans


def wire_spans(
    count: int, *, first_ns: int = 1_700_000_000_000_000_000, **columns: Any
) -> pa.Table:
    """Spans in wire types, one a second."""
    starts = [first_ns + index * 1_000_000_000 for index in range(count)]
    data: dict[str, Any] = {
        "time": pa.array([start // 1_000_000 for start in starts], pa.timestamp("ms", tz="UTC")),
        "context.span_id": [f"span-{index:012d}" for index in range(count)],
        "context.trace_id": [f"trace-{index // 4:012d}" for index in range(count)],
        "parent_id": pa.array([None] * count, pa.string()),
        "name": [f"operation {index % 7}" for index in range(count)],
        "start_time": pa.array(starts, pa.int64()),
        "end_time": pa.array([start + 1_500_000 for start in starts], pa.int64()),
        "latency_ms": [1.5] * count,
        "status_code": ["OK"] * count,
    }
    data.update(columns)
    return pa.table(data)
