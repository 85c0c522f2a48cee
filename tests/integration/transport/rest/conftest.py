"""A real HTTP server on loopback that misbehaves as told."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from spanduck._wire import make_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


KEY = "ak-secret-1234567890"


@dataclass(frozen=True)
class Answer:
    """One answer. `before_body` and `after_body` hang up instead of answering."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: str = ""
    wait: threading.Event | None = None

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    def sent_headers(self) -> dict[str, str]:
        length = {"Content-Length": str(len(self.content))}
        return {"Content-Type": "application/json", **self.headers, **length}


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def space(number: int, name: str) -> dict[str, Any]:
    id_ = make_id("Space", number)
    return {"id": id_, "name": name, "description": "", "created_at": None}


def page(key: str, items: list[dict[str, Any]], cursor: str | None = None) -> Answer:
    more = {"next_cursor": cursor} if cursor else {}
    return Answer(body={key: items, "pagination": {"has_more": cursor is not None, **more}})


class FaultyServer:
    """Gives the queued answers in order, then the last one again; keeps every request."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: deque[Answer] = deque([Answer(body={})])
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def answer(self, *answers: Answer) -> None:
        self.answers = deque(answers)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _next(self) -> Answer:
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

            def _serve(self) -> None:
                answer = server._next()
                if answer.hang_up == "before_body":
                    server.requests.append(
                        Request(self.command, self.path, dict(self.headers), b"")
                    )
                    self._hang_up()
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server.requests.append(Request(self.command, self.path, dict(self.headers), body))
                if answer.wait is not None:
                    answer.wait.wait(10)
                if answer.hang_up:
                    self._hang_up()
                    return
                with contextlib.suppress(OSError):
                    self.send_response(answer.status)
                    for name, value in answer.sent_headers().items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(answer.content)

            def _hang_up(self) -> None:
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)

        return Handler

    # For the tests: this folder is no package to import them from.
    KEY = KEY
    Answer = Answer
    space = staticmethod(space)
    page = staticmethod(page)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    faulty = FaultyServer()
    yield faulty
    faulty.close()


@pytest.fixture
def body(tmp_path: Path) -> Path:
    file = tmp_path / "body.arrow"
    file.write_bytes(b"\xff\xff\xff\xff" + bytes(3_000_000))
    return file
