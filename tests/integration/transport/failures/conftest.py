"""A server that sends the bytes it is given, as those that stand before the service do."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


KEY = "ak-secret-1234567890"


GOOD = b'{"spaces": [], "pagination": {"has_more": false}}'


PROBLEM = {
    "type": "https://arize.com/docs/ax/rest-reference/errors#some-error",
    "title": "Some error",
    "detail": "the window is 32 days, the most is 31",
    "instance": "/v2/spaces",
    "request_id": "req-42",
    "error_code": "WINDOW_TOO_WIDE",
    "limits": {"days": 31},
}


def reply(status: int, body: bytes = b"", *, length: int | None = None, **headers: str) -> bytes:
    """A response as bytes; a `length` that is not the body's is a lie on the wire."""
    lines = [
        f"HTTP/1.1 {status} Reason",
        f"Content-Length: {len(body) if length is None else length}",
    ]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def problem(status: int, **changes: Any) -> bytes:
    document = {"status": status, **PROBLEM, **changes}
    return reply(status, json.dumps(document).encode(), content_type="application/problem+json")


class CannedServer:
    """Sends the given bytes to one connection after the other, the last ones again and again."""

    def __init__(self) -> None:
        self.answers = deque([reply(200, GOOD, content_type="application/json")])
        self.requests: list[bytes] = []
        self.times: list[float] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def answer(self, *answers: bytes) -> None:
        self.answers = deque(answers)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                self.times.append(time.monotonic())
                self.requests.append(self._request(connection))
                connection.sendall(self.answers[0])
                if len(self.answers) > 1:
                    self.answers.popleft()

    def _request(self, connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65_536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (
                int(line[15:])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            ),
            0,
        )
        while len(body) < length:
            body += connection.recv(65_536)
        return head + b"\r\n\r\n" + body

    # For the tests: this folder is no package to import them from.
    KEY = KEY
    GOOD = GOOD
    PROBLEM = PROBLEM
    reply = staticmethod(reply)
    problem = staticmethod(problem)


@pytest.fixture
def server() -> Iterator[CannedServer]:
    canned = CannedServer()
    yield canned
    canned.close()
