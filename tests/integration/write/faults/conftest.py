"""A service behind a relay that breaks calls at exact points, as a plan says."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from concurrent import futures
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spanduck.embedded import EmbeddedServer

# The vendor's SDK brings it; pyarrow's own server knows only some of the statuses.
grpc: Any = pytest.importorskip("grpc")

BEFORE = "before"
"""Nothing of the call has been read."""
MIDDLE = "middle"
"""Some of its data has."""
AFTER = "after"
"""The service has stored all of it, and its answer has not been passed on."""
WORDS = "the label is not to our taste"
_LONGEST_S = 60.0
# Of the message FlightData.
_HEADER = 2
_BODY = 1000


@dataclass(frozen=True)
class Fault:
    """How a call goes wrong.

    Attributes:
        when: `BEFORE`, `MIDDLE` or `AFTER`.
        how: A gRPC status, or `drop` (the connection breaks), `silence` (no answer until the client
            gives up), `none` (an answer without a result), `cut` (a result that lacks its end),
            `nonsense`, `answer` (another one, which the plan has), `late` (UNAVAILABLE, and the call reaches the service after the next read),
            `do` (what the plan says is done, and nothing is answered), `pause` (it is done, and the
            call goes on).
    """

    when: str
    how: str


@dataclass
class Plan:
    """What the relay does.

    Attributes:
        puts: Faults of the next write-backs, one each; None for none.
        reads: Likewise of the next reads.
        bad: A write-back of one of these spans is refused.
        answer: What the fault `answer` makes of the service's one.
        do: What the faults `do` and `pause` do.
    """

    puts: deque[Fault | None] = field(default_factory=deque)
    reads: deque[Fault | None] = field(default_factory=deque)
    bad: tuple[str, ...] = ()
    answer: bytes = b""
    do: Callable[[], None] = lambda: None


class Wire:
    """A TCP relay whose connections can be broken all at once."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def drop(self) -> None:
        """Break every connection."""
        with self._lock:
            broken, self._sockets = self._sockets, set()
        for end in broken:
            with contextlib.suppress(OSError):
                # Shut down first: closing alone leaves the thread that reads waiting.
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.drop()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            with self._lock:
                self._sockets |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


class Relay:
    """Passes every Flight call on to a service, byte by byte, or breaks it as its plan says."""

    def __init__(self, target: int) -> None:
        self.plan = Plan()
        self.calls = 0
        self.made: list[str] = []
        self.held_back: list[Callable[[], object]] = []
        self._lock = threading.Lock()
        self._channel = grpc.insecure_channel(
            f"127.0.0.1:{target}",
            options=[
                ("grpc.enable_http_proxy", 0),
                ("grpc.max_receive_message_length", -1),
                ("grpc.initial_reconnect_backoff_ms", 50),
                ("grpc.max_reconnect_backoff_ms", 200),
            ],
        )
        handler = type(
            "Handler",
            (grpc.GenericRpcHandler,),
            {"service": lambda _, call: self._handler(call.method)},
        )
        self._server = grpc.server(
            futures.ThreadPoolExecutor(16), options=[("grpc.max_receive_message_length", -1)]
        )
        self._server.add_generic_rpc_handlers((handler(),))
        self._wire = Wire(self._server.add_insecure_port("127.0.0.1:0"))
        self.port = self._wire.port
        self._server.start()

    def fault(self, when: str, how: str) -> Fault:
        """For the plan."""
        return Fault(when, how)

    def close(self) -> None:
        self._server.stop(0).wait()
        self._wire.close()
        self._channel.close()

    def release(self) -> None:
        """Let what was held back reach the service now."""
        with self._lock:
            held, self.held_back = self.held_back, []
        for forward in held:
            with contextlib.suppress(grpc.RpcError):
                forward()

    def _handler(self, method: str) -> Any:
        is_put = method.endswith("DoPut")

        def relayed(requests: Any, context: Any) -> Iterator[bytes]:
            fault = self._next_fault(is_put=is_put)
            call = _Relayed(self, method, requests, context)
            if is_put:
                yield from call.put(fault)
            else:
                yield from call.read(fault)
                self.release()

        return grpc.stream_stream_rpc_method_handler(relayed)

    def _next_fault(self, *, is_put: bool) -> Fault | None:
        with self._lock:
            self.calls += is_put
            faults = self.plan.puts if is_put else self.plan.reads
            fault = faults.popleft() if faults else None
            if fault is not None:
                self.made.append(f"{'put' if is_put else 'read'} {fault.when} {fault.how}")
            return fault

    # `Any`: grpc has no types.
    def forward(self, method: str, messages: list[bytes], metadata: Any) -> list[bytes]:
        """Make the call at the service."""
        answers = self._channel.stream_stream(method)(
            iter(messages), metadata=metadata, timeout=_LONGEST_S, wait_for_ready=True
        )
        return list(answers)

    def drop(self) -> None:
        """Break every connection of the writer."""
        self._wire.drop()


class _Relayed:
    """One call on its way."""

    def __init__(self, relay: Relay, method: str, requests: Any, context: Any) -> None:
        self._relay = relay
        self._method = method
        self._requests = requests
        self._context = context
        self._metadata = [
            (name, value)
            for name, value in context.invocation_metadata()
            if name not in {"user-agent", "grpc-accept-encoding"}
        ]

    def put(self, fault: Fault | None) -> Iterator[bytes]:
        if fault is not None and fault.when == BEFORE:
            self._fail(fault)
        messages = []
        for message in self._requests:
            messages.append(message)
            # The descriptor and the schema are the first; then comes data.
            if fault is not None and fault.when == MIDDLE and len(messages) == 2:
                self._fail(fault)
        if not self._context.is_active():
            return
        bad = self._relay.plan.bad
        if bad and not set(bad).isdisjoint(_span_ids(messages)):
            self._context.abort(grpc.StatusCode.INVALID_ARGUMENT, WORDS)
        if fault is not None and fault.how == "late":
            self._relay.held_back.append(
                lambda: self._relay.forward(self._method, messages, self._metadata)
            )
            self._context.abort(grpc.StatusCode.UNAVAILABLE, "try it later")
        answers = self._forward(messages)
        if fault is not None and fault.when == AFTER:
            answers = self._broken(fault, answers)
        yield from answers

    def read(self, fault: Fault | None) -> Iterator[bytes]:
        if fault is not None and fault.when == BEFORE:
            self._fail(fault)
        answers = self._forward(list(self._requests))
        if fault is not None:
            yield from answers[: len(answers) // 2]
            self._fail(fault)
        yield from answers

    def _forward(self, messages: list[bytes]) -> list[bytes]:
        try:
            return self._relay.forward(self._method, messages, self._metadata)
        except grpc.RpcError as exc:
            self._context.abort(exc.code(), exc.details())
            raise

    def _broken(self, fault: Fault, answers: list[bytes]) -> list[bytes]:
        if fault.how == "none":
            return []
        payload_by_how = {
            "cut": answers[0][2:-1],
            "nonsense": b"\xff\xff??",
            "answer": self._relay.plan.answer,
        }
        if fault.how in payload_by_how:
            payload = payload_by_how[fault.how]
            # The one field of a PutResult, with its length in two bytes of seven bits.
            length = bytes([len(payload) & 127 | 128, len(payload) >> 7])
            return [b"\x0a" + length + payload]
        self._fail(fault)
        return answers

    def _fail(self, fault: Fault) -> None:
        if fault.how in {"do", "pause"}:
            self._relay.plan.do()
        if fault.how == "pause":
            return
        if fault.how == "drop":
            self._relay.drop()
        if fault.how in {"drop", "do", "silence"}:
            gone = threading.Event()
            if self._context.add_callback(gone.set):
                gone.wait(_LONGEST_S)
            self._context.abort(grpc.StatusCode.CANCELLED, "the client is gone")
        self._context.abort(grpc.StatusCode[fault.how], "not today")


def _span_ids(messages: list[bytes]) -> list[str]:
    stream = b""
    for message in messages:
        field_by_number = dict(_fields(message))
        header = field_by_number.get(_HEADER, b"")
        length = len(header).to_bytes(4, "little")
        stream += b"\xff\xff\xff\xff" + length + header + field_by_number.get(_BODY, b"")
    ids: list[str] = pa.ipc.open_stream(stream).read_all().column("context.span_id").to_pylist()
    return ids


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a protobuf message that has texts alone."""
    at = 0
    while at < len(message):
        tag, at = _number(message, at)
        length, at = _number(message, at)
        yield tag >> 3, message[at : at + length]
        at += length


def _number(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


@pytest.fixture
def relay(server: EmbeddedServer) -> Iterator[Relay]:
    relay = Relay(server.flight_port)
    yield relay
    relay.close()
