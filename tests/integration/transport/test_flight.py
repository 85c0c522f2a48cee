"""Against a real Flight server on loopback that misbehaves as told."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.flight as fl  # noqa: TID251 - a server for the tests
import pytest

from spanduck._scan.stream import open_stream
from spanduck._transport.flight import FlightTransport, is_loopback
from spanduck._wire import ExportCommand, WriteCommand, WriteKind
from spanduck.exceptions import (
    AuthenticationError,
    ConfigError,
    Error,
    IncompleteStreamError,
    OutcomeUnknownError,
    RejectedError,
    ServiceError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BATCH = pa.record_batch({"context.span_id": ["a", "b"], "eval.Q.score": [1.0, 0.0]})
COMMAND = WriteCommand(WriteKind.EVALUATIONS, "space", "p")


class PutServer(fl.FlightServerBase):  # type: ignore[misc]  # pyarrow is untyped
    """Answers puts as told."""

    def __init__(self) -> None:
        super().__init__("grpc+tcp://127.0.0.1:0", middleware={"seen": _Seen()})
        self.calls = 0
        self.rows = 0
        self.refuse_first = 0
        self.error_after: tuple[int, Exception] | None = None
        self.answers = True

    def do_put(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> None:
        self.calls += 1
        if self.calls <= self.refuse_first:
            raise fl.FlightUnavailableError("busy")
        for number, chunk in enumerate(reader):
            self.rows += chunk.data.num_rows
            if self.error_after is not None and number + 1 == self.error_after[0]:
                raise self.error_after[1]
        if self.answers:
            writer.write(b"payload")


class _Seen(fl.ServerMiddlewareFactory):  # type: ignore[misc]
    def __init__(self) -> None:
        self.headers: list[dict[str, list[Any]]] = []

    def start_call(self, info: Any, headers: dict[str, list[Any]]) -> None:
        self.headers.append(headers)


@pytest.fixture
def put_server() -> Iterator[PutServer]:
    with PutServer() as server:
        yield server


@pytest.fixture
def transport(put_server: PutServer, fake_service: Any) -> Iterator[FlightTransport]:
    settings = fake_service.settings(
        flight_port=put_server.port, default_headers={"X-Tenant": "t"}, write_timeout_s=5
    )
    with FlightTransport(settings) as transport:
        yield transport


def test_a_put_sends_its_batches_and_returns_the_payload(
    transport: FlightTransport, put_server: PutServer
) -> None:
    assert transport.put(COMMAND, BATCH.schema, iter([BATCH, BATCH])) == b"payload"
    assert put_server.rows == 4


def test_a_put_without_batches_is_sent(transport: FlightTransport) -> None:
    assert transport.put(COMMAND, BATCH.schema, iter([])) == b"payload"


def test_a_put_that_was_refused_before_a_byte_is_repeated(
    transport: FlightTransport, put_server: PutServer
) -> None:
    put_server.refuse_first = 2
    assert transport.put(COMMAND, BATCH.schema, iter([])) == b"payload"
    assert put_server.calls == 3


def test_a_put_that_broke_after_data_is_unknown(
    transport: FlightTransport, put_server: PutServer
) -> None:
    put_server.error_after = (1, fl.FlightUnavailableError("gone"))
    with pytest.raises(OutcomeUnknownError, match="gone"):
        transport.put(COMMAND, BATCH.schema, iter([BATCH] * 3))
    assert put_server.calls == 1


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (pa.ArrowInvalid("row 3 is bad"), RejectedError),
        (fl.FlightUnauthenticatedError("wrong key"), AuthenticationError),
        (fl.FlightServerError("disk full"), ServiceError),
    ],
)
def test_a_refused_put_says_why(
    transport: FlightTransport, put_server: PutServer, raised: Exception, expected: type[Exception]
) -> None:
    put_server.error_after = (1, raised)
    with pytest.raises(expected, match=str(raised)) as caught:
        transport.put(COMMAND, BATCH.schema, iter([BATCH] * 300))
    assert "Traceback" not in str(caught.value)


def test_a_put_without_a_result_is_unknown(
    transport: FlightTransport, put_server: PutServer
) -> None:
    put_server.answers = False
    with pytest.raises(OutcomeUnknownError, match="without a result"):
        transport.put(COMMAND, BATCH.schema, iter([BATCH]))


def test_an_error_of_the_batches_is_passed_on_as_it_is(transport: FlightTransport) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield BATCH
        raise OSError("the disk of the caller")

    with pytest.raises(OSError, match="the disk of the caller"):
        transport.put(COMMAND, BATCH.schema, broken())


def test_every_call_carries_key_identity_and_extra_headers(
    fake_service: Any, make_wire_spans: Callable[..., pa.Table]
) -> None:
    seen = _Seen()
    with fl.FlightServerBase("grpc+tcp://127.0.0.1:0", middleware={"seen": seen}) as server:
        settings = fake_service.settings(flight_port=server.port, default_headers={"X-Tenant": "t"})
        with FlightTransport(settings) as transport, pytest.raises(RejectedError):
            transport.get_info(ExportCommand("s", "p"))
    headers = seen.headers[0]
    assert headers["auth-token-bin"] == [settings.service.key.encode()]
    assert headers["x-tenant"] == ["t"]
    assert headers["sdk-package-name"] == ["spanduck"]
    assert headers["origin"] == ["spanduck-client"]


def test_a_closed_transport_refuses(fake_service: Any) -> None:
    transport = FlightTransport(fake_service.settings())
    transport.close()
    transport.close()
    with pytest.raises(ConfigError, match="closed"):
        transport.get_info(ExportCommand("s", "p"))


def test_an_address_that_is_none_names_the_setting(fake_service: Any) -> None:
    settings = fake_service.settings(flight_scheme="nonsense")
    with FlightTransport(settings) as transport, pytest.raises(ConfigError, match="flight_scheme"):
        transport.get_info(ExportCommand("s", "p"))


def test_a_missing_file_of_certificates_names_the_setting(fake_service: Any) -> None:
    settings = fake_service.settings(flight_scheme="grpc+tls", ssl_ca_cert="/nowhere/ca.pem")
    with FlightTransport(settings) as transport, pytest.raises(ConfigError, match=r"ca\.pem"):
        transport.get_info(ExportCommand("s", "p"))


def test_plain_text_where_tls_is_expected_is_unavailable(fake_service: Any) -> None:
    settings = fake_service.settings(flight_scheme="grpc+tls", connect_timeout_s=1)
    with FlightTransport(settings) as transport, pytest.raises(UnavailableError):
        transport.get_info(ExportCommand("s", "p"))


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    fake_service: Any, make_wire_spans: Callable[..., pa.Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    fake_service.tables["p"] = make_wire_spans(3)
    with FlightTransport(fake_service.settings()) as transport:
        assert transport.get_info(ExportCommand("s", "p")).total_records == 3


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("LOCALHOST", True), ("127.8.0.1", True), ("::1", True),
     ("10.0.0.1", False), ("flight.arize.com", False), ("", False)],
)  # fmt: skip
def test_what_is_this_machine(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


class TestStream:
    """`open_stream` alone: wire types, as `SpansClient.export` reads them."""

    @pytest.fixture
    def exports(
        self, fake_service: Any, make_wire_spans: Callable[..., pa.Table]
    ) -> Iterator[FlightTransport]:
        fake_service.tables["p"] = make_wire_spans(95)
        fake_service.tables["empty"] = make_wire_spans(95).slice(0, 0)
        with FlightTransport(fake_service.settings()) as transport:
            yield transport

    def stream(self, transport: FlightTransport, project: str = "p", **given: Any) -> Any:
        command = ExportCommand("s", project, stream_chunk_size=10)
        return open_stream(transport, command, completeness="strict", read_timeout_s=5.0, **given)

    def test_batches_arrive_in_order_and_whole(
        self, exports: FlightTransport, fake_service: Any
    ) -> None:
        with self.stream(exports) as stream:
            assert stream.schema == fake_service.tables["p"].schema
            batches = list(stream)
        assert [batch.num_rows for batch in batches] == [10] * 9 + [5]
        assert pa.Table.from_batches(batches).equals(fake_service.tables["p"].combine_chunks())
        assert fake_service.wait_closed()

    def test_an_empty_export_has_its_schema(self, exports: FlightTransport) -> None:
        with self.stream(exports, "empty") as stream:
            assert "context.span_id" in stream.schema.names
            assert stream.read() is None

    def test_no_more_than_two_batches_wait(
        self, exports: FlightTransport, fake_service: Any, make_wire_spans: Callable[..., pa.Table]
    ) -> None:
        wide = pa.array(["x" * 100_000] * 2_000)
        fake_service.tables["wide"] = make_wire_spans(2_000, **{"attributes.x": wide})
        with self.stream(exports, "wide") as stream:
            assert stream.read().num_rows == 10
            time.sleep(0.5)
            # Two in the queue, one in the reader's hand, and what the sockets hold.
            assert fake_service.batches_sent["wide"] < 20
        assert fake_service.wait_closed()

    def test_an_unread_reader_that_is_dropped_cancels(
        self, exports: FlightTransport, fake_service: Any, make_wire_spans: Callable[..., pa.Table]
    ) -> None:
        fake_service.tables["long"] = make_wire_spans(50_000)
        reader = (stream := self.stream(exports, "long")).reader(stream.schema)
        assert fake_service.wait_open(1)
        del reader
        assert fake_service.wait_closed()
        assert stream.is_closed

    def test_a_set_event_ends_it(self, exports: FlightTransport, fake_service: Any) -> None:
        fake_service.misbehaviour.hang_after = 1
        cancel = threading.Event()
        with self.stream(exports, cancel=cancel) as stream:
            stream.read()
            threading.Timer(0.2, cancel.set).start()
            begun = time.monotonic()
            with pytest.raises(Error, match="cancelled"):
                stream.read()
            assert time.monotonic() - begun < 1

    def test_what_arrived_before_a_failure_is_read_first(
        self, exports: FlightTransport, fake_service: Any
    ) -> None:
        fake_service.misbehaviour.fail_after = 1
        with self.stream(exports) as stream:
            time.sleep(0.3)
            assert stream.read().num_rows == 10
            with pytest.raises(ServiceError, match="on fire"):
                stream.read()

    def test_a_server_that_dies_mid_stream_is_an_incomplete_stream(
        self, exports: FlightTransport, fake_service: Any
    ) -> None:
        fake_service.misbehaviour.hang_after = 3
        with self.stream(exports) as stream:
            stream.read()
            stopper = threading.Thread(target=fake_service.shutdown)
            stopper.start()
            fake_service.let_go.set()
            with pytest.raises(IncompleteStreamError) as caught:
                list(stream)
            stopper.join()
        assert caught.value.rows_expected == 95

    def test_close_is_idempotent_and_reading_after_it_fails(self, exports: FlightTransport) -> None:
        stream = self.stream(exports)
        stream.schema  # noqa: B018 - waits until it is open
        stream.close()
        stream.close()
        with pytest.raises(Error, match="closed"):
            list(stream)
