"""Every status that a Flight service may answer with, from a real gRPC server."""

from __future__ import annotations

import logging
import pickle
import threading
import time
from concurrent import futures
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from spanduck._config import load_settings
from spanduck._scan.stream import open_stream
from spanduck._transport.flight import FlightTransport
from spanduck._wire import ExportCommand, WriteCommand, WriteKind
from spanduck.exceptions import (
    AuthenticationError,
    CancelledError,
    ConfigError,
    Error,
    FilterError,
    OutcomeUnknownError,
    RejectedError,
    ServiceError,
    UnavailableError,
    UnknownProjectError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from spanduck._config import Settings

# The vendor's SDK brings it; pyarrow's own server knows only some of the statuses.
grpc: Any = pytest.importorskip("grpc")
KEY = "ak-secret-1234567890"
EXPORT = ExportCommand("space", "p")
BATCH = pa.record_batch({"context.span_id": ["a", "b"]})


class RefusingServer:
    """Refuses each call with the status and the words it is told."""

    def __init__(self) -> None:
        self.status = "INTERNAL"
        self.words = "words of the service"
        self.calls = 0
        self.let_go: threading.Event | None = None
        handler = type(
            "Handler",
            (grpc.GenericRpcHandler,),
            {"service": lambda _, call: self._handler(call.method)},
        )
        self._server = grpc.server(futures.ThreadPoolExecutor(4))
        self._server.add_generic_rpc_handlers((handler(),))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def close(self) -> None:
        if self.let_go is not None:
            self.let_go.set()
        self._server.stop(0).wait()

    def _handler(self, method: str) -> Any:
        def refuse(_: Any, context: Any) -> None:
            self.calls += 1
            if self.let_go is not None:
                self.let_go.wait(20)
            context.abort(grpc.StatusCode[self.status], self.words)

        if method.endswith("DoPut"):

            def refuse_put(messages: Any, context: Any) -> Any:
                next(messages)  # the descriptor and the schema
                next(messages)
                refuse(messages, context)
                yield b""

            return grpc.stream_stream_rpc_method_handler(refuse_put)
        return grpc.unary_unary_rpc_method_handler(refuse)


@pytest.fixture
def server() -> Iterator[RefusingServer]:
    refusing = RefusingServer()
    yield refusing
    refusing.close()


@pytest.fixture
def settings(server: RefusingServer, tmp_path: Path) -> Callable[..., Settings]:
    def make(**overrides: Any) -> Settings:
        given = {
            "api_key": KEY,
            "space": "space",
            "flight_host": "127.0.0.1",
            "flight_scheme": "grpc+tcp",
            "flight_port": server.port,
            "read_timeout_s": 5.0,
            **overrides,
        }
        return load_settings(given, cwd=tmp_path)

    return make


@pytest.fixture
def flight(settings: Callable[..., Settings]) -> Iterator[FlightTransport]:
    with FlightTransport(settings()) as transport:
        yield transport


@pytest.mark.parametrize(
    ("status", "kind", "is_repeated"),
    [
        ("UNAUTHENTICATED", AuthenticationError, False),
        ("PERMISSION_DENIED", AuthenticationError, False),
        ("NOT_FOUND", UnknownProjectError, False),
        ("INVALID_ARGUMENT", RejectedError, False),
        ("FAILED_PRECONDITION", RejectedError, False),
        ("OUT_OF_RANGE", RejectedError, False),
        ("UNIMPLEMENTED", RejectedError, False),
        ("ALREADY_EXISTS", ServiceError, False),
        ("ABORTED", ServiceError, False),
        ("INTERNAL", ServiceError, False),
        ("UNKNOWN", ServiceError, False),
        ("DATA_LOSS", ServiceError, False),
        ("CANCELLED", ServiceError, False),
        ("UNAVAILABLE", UnavailableError, True),
        ("RESOURCE_EXHAUSTED", UnavailableError, True),
        ("DEADLINE_EXCEEDED", UnavailableError, True),
    ],
)
def test_each_status_has_its_class_and_the_service_its_own_words(
    server: RefusingServer,
    flight: FlightTransport,
    *,
    status: str,
    kind: type[ServiceError],
    is_repeated: bool,
) -> None:
    server.status = status
    with pytest.raises(ServiceError) as caught:
        flight.get_info(EXPORT)
    error = caught.value
    assert type(error) is kind
    assert "words of the service" in str(error)
    assert "message:" not in str(error)
    assert error.retryable is is_repeated
    assert (server.calls > 1) is is_repeated
    assert server.calls <= 4
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (type(copy), str(copy), copy.retryable) == (kind, str(error), is_repeated)


def test_a_refused_filter_is_a_filter_error(
    server: RefusingServer, flight: FlightTransport
) -> None:
    server.status = "INVALID_ARGUMENT"
    with pytest.raises(FilterError, match="words of the service"):
        flight.get_info(ExportCommand("space", "p", filter_expression="nonsense = 1"))


def test_a_message_that_is_too_large_is_not_sent_again(
    server: RefusingServer, flight: FlightTransport
) -> None:
    server.status, server.words = "RESOURCE_EXHAUSTED", "Received message larger than max (9 vs. 8)"
    with pytest.raises(RejectedError, match="larger than max"):
        flight.get_info(EXPORT)
    assert server.calls == 1


def test_no_answer_in_time(server: RefusingServer, settings: Callable[..., Settings]) -> None:
    server.let_go = threading.Event()
    began = time.monotonic()
    given = settings(read_timeout_s=0.5, connect_timeout_s=0.5)
    with (
        FlightTransport(given) as flight,
        pytest.raises(UnavailableError, match="SPANDUCK_READ_TIMEOUT_S") as caught,
    ):
        flight.get_info(EXPORT)
    assert time.monotonic() - began < 5
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("UNAUTHENTICATED", AuthenticationError),
        ("INVALID_ARGUMENT", RejectedError),
        ("UNAVAILABLE", OutcomeUnknownError),
        ("RESOURCE_EXHAUSTED", UnavailableError),
        ("INTERNAL", ServiceError),
    ],
)
def test_a_write_back_is_not_repeated_once_data_was_sent(
    server: RefusingServer, flight: FlightTransport, status: str, kind: type[ServiceError]
) -> None:
    server.status = status
    command = WriteCommand(WriteKind.EVALUATIONS, "space", "p")
    with pytest.raises(kind, match="words of the service") as caught:
        flight.put(command, BATCH.schema, iter([BATCH]))
    assert type(caught.value) is kind
    assert server.calls == 1


def test_the_key_is_in_no_error_and_no_log(
    server: RefusingServer, flight: FlightTransport, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    command = WriteCommand(WriteKind.EVALUATIONS, "space", "p")
    server.words = f"no such key: {KEY}."
    for server.status in ("UNAUTHENTICATED", "INVALID_ARGUMENT", "NOT_FOUND", "INTERNAL"):
        for call in (
            lambda: flight.get_info(EXPORT),
            lambda: flight.put(command, BATCH.schema, iter([BATCH])),
        ):
            with pytest.raises(ServiceError) as caught:
                call()
            error = caught.value
            # The cause is printed with a traceback.
            shown = str(error) + repr(error.__dict__) + repr(error.__cause__) + str(error.__cause__)
            assert KEY not in shown
            assert "no such key: ***" in shown
    assert KEY not in caplog.text


def test_a_header_that_cannot_be_sent_is_refused_without_its_value(
    server: RefusingServer, settings: Callable[..., Settings]
) -> None:
    with (
        FlightTransport(settings(default_headers={"x-token": "hush\n"})) as flight,
        pytest.raises(ConfigError, match="default_headers") as caught,
    ):
        flight.get_info(EXPORT)
    assert "hush" not in str(caught.value)
    assert server.calls == 0


def test_a_cancelled_scan_is_an_error_of_the_tree(
    server: RefusingServer, flight: FlightTransport
) -> None:
    server.let_go = threading.Event()
    with open_stream(flight, EXPORT, completeness="strict", read_timeout_s=5.0) as stream:
        threading.Timer(0.2, stream.cancel).start()
        with pytest.raises(CancelledError) as caught:
            stream.read()
    assert isinstance(caught.value, Error)
