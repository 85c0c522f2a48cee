"""Services of our client: the embedded one, and ones that answer as told, or not at all."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.client.rows import spans

import spanduck
from spanduck import SpansClient, embedded
from spanduck._config import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from spanduck.embedded import EmbeddedServer

SPACE = "U3BhY2U6MTphYmNk"
"""An id of a space."""


@dataclass
class Answer:
    """What a scripted service says to every call."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


class ScriptedService:
    """Says what is queued, and then the same to every REST call; keeps what was asked."""

    def __init__(self) -> None:
        self.queued: deque[Answer] = deque()
        self.answer = Answer()
        self.asked: list[tuple[str, str]] = []
        self.heard = threading.Semaphore(0)
        """Released for each answer."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer_call(self) -> None:
                service.asked.append((self.command, self.path.partition("?")[0]))
                self.take_body()
                answer = service.queued.popleft() if service.queued else service.answer
                text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
                content = text.encode()
                kind = "application/json" if answer.status < 300 else "application/problem+json"
                self.send_response(answer.status)
                for name, value in {"Content-Type": kind, **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                service.heard.release()

            do_GET = do_POST = do_PATCH = do_DELETE = answer_call  # noqa: N815 - the base's names

            def take_body(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class SilentService:
    """Takes connections and what comes over them, and never says a word."""

    def __init__(self) -> None:
        self.heard = threading.Semaphore(0)
        """Released for each connection over which something came."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                self._threads.append(threading.Thread(target=self._hear, args=(connection,)))
                self._threads[-1].start()

    def _hear(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            has_heard = False
            while connection.recv(65_536):
                if not has_heard:
                    self.heard.release()
                    has_heard = True

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()


@pytest.fixture
def scripted() -> Iterator[ScriptedService]:
    service = ScriptedService()
    yield service
    service.close()


@pytest.fixture
def silent() -> Iterator[SilentService]:
    service = SilentService()
    yield service
    service.close()


@pytest.fixture
def connect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., spanduck.SpansClient]]:
    """Return a function that makes a client of a service on this machine."""
    monkeypatch.chdir(tmp_path)
    opened: list[spanduck.SpansClient] = []

    def make(port: int, *, flight_port: int | None = None, **settings: Any) -> spanduck.SpansClient:
        address = {"api_host": "127.0.0.1", "api_scheme": "http", "api_port": port}
        flight = {
            "flight_host": "127.0.0.1",
            "flight_scheme": "grpc+tcp",
            "flight_port": flight_port or port,
        }
        given = {"api_key": "ak-secret", "space": SPACE, "progress": False, **settings}
        opened.append(spanduck.SpansClient(**{**address, **flight, **given}))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with embedded.serve(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture
def client(
    server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SpansClient]:
    monkeypatch.chdir(tmp_path)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    with SpansClient() as made:
        yield made


@pytest.fixture
def project(request: pytest.FixtureRequest) -> str:
    return f"{request.node.name[:60]}-{time.time_ns()}"


@pytest.fixture(scope="module")
def logged(server: EmbeddedServer) -> str:
    with SpansClient(
        settings=load_settings({}).with_service(
            "test",
            api_key=server.api_key,
            space=server.space,
            api_host="127.0.0.1",
            api_scheme="http",
            api_port=server.rest_port,
            flight_host="127.0.0.1",
            flight_port=server.flight_port,
            flight_scheme="grpc+tcp",
        )
    ) as client:
        client.log(project_name="exports", dataframe=spans(20_000))
    return "exports"
