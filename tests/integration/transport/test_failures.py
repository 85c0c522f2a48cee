"""Each failure that the service documents, and those of what stands before it, from a real socket."""

from __future__ import annotations

import json
import logging
import pickle
import socket
import threading
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest

from spanduck._config import load_settings
from spanduck._transport.rest import RestTransport
from spanduck.exceptions import (
    AuthenticationError,
    ConfigError,
    OutcomeUnknownError,
    Problem,
    RejectedError,
    ServiceError,
    UnavailableError,
    UnknownProjectError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from spanduck._config import Settings

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


def answer(status: int, body: bytes = b"", *, length: int | None = None, **headers: str) -> bytes:
    """A response as bytes; a `length` that is not the body's is a lie on the wire."""
    lines = [
        f"HTTP/1.1 {status} Reason",
        f"Content-Length: {len(body) if length is None else length}",
    ]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def problem(status: int, **changes: Any) -> bytes:
    document = {"status": status, **PROBLEM, **changes}
    return answer(status, json.dumps(document).encode(), content_type="application/problem+json")


class CannedServer:
    """Sends the given bytes to one connection after the other, the last ones again and again."""

    def __init__(self) -> None:
        self.answers = deque([answer(200, GOOD, content_type="application/json")])
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


@pytest.fixture
def server() -> Iterator[CannedServer]:
    canned = CannedServer()
    yield canned
    canned.close()


@pytest.fixture
def settings(server: CannedServer, tmp_path: Path) -> Callable[..., Settings]:
    def make(**overrides: Any) -> Settings:
        given = {
            "api_key": KEY,
            "space": "U3BhY2U6MTphYmNk",
            "api_host": "127.0.0.1",
            "api_scheme": "http",
            "api_port": server.port,
            "read_timeout_s": 5.0,
            **overrides,
        }
        return load_settings(given, cwd=tmp_path)

    return make


@pytest.fixture
def rest(settings: Callable[..., Settings]) -> Iterator[RestTransport]:
    with RestTransport(settings()) as transport:
        yield transport


def failure(rest: RestTransport) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        list(rest.spaces())
    return caught.value


STATUSES = [
    (400, RejectedError, False),
    (401, AuthenticationError, False),
    (403, AuthenticationError, False),
    (404, UnknownProjectError, False),
    (409, RejectedError, False),
    (422, RejectedError, False),
    (429, UnavailableError, True),
    (500, UnavailableError, True),
    (503, UnavailableError, True),
]


class TestDocumentedStatuses:
    @pytest.mark.parametrize(("status", "kind", "is_repeated"), STATUSES)
    def test_a_problem_document_is_kept_whole(
        self,
        server: CannedServer,
        rest: RestTransport,
        status: int,
        kind: type[ServiceError],
        is_repeated: bool,
    ) -> None:
        server.answer(problem(status))
        error = failure(rest)
        assert type(error) is kind
        assert (error.status, error.request_id, error.retryable) == (status, "req-42", is_repeated)
        assert "the window is 32 days, the most is 31" in str(error)
        told = error.problem
        assert isinstance(told, Problem)
        assert (told.status, told.title, told.detail) == (status, "Some error", PROBLEM["detail"])
        assert (told.type, told.instance) == (PROBLEM["type"], "/v2/spaces")
        assert (told.error_code, told.extras["limits"]) == ("WINDOW_TOO_WIDE", {"days": 31})
        assert pickle.loads(pickle.dumps(error)).problem == told  # noqa: S301 - our own
        assert len(server.requests) == (4 if is_repeated else 1)

    # Not each with each: repetitions take their time.
    @pytest.mark.parametrize(("status", "kind", "is_repeated"), STATUSES)
    def test_an_empty_body_has_the_same_class(
        self,
        server: CannedServer,
        rest: RestTransport,
        status: int,
        kind: type[ServiceError],
        is_repeated: bool,
    ) -> None:
        server.answer(answer(status, x_request_id="req-7"))
        error = failure(rest)
        assert type(error) is kind
        assert (error.status, error.request_id, error.problem) == (status, "req-7", None)
        assert error.retryable is is_repeated
        assert error.next_step or status in (400, 409, 422)

    @pytest.mark.parametrize(
        ("status", "kind"),
        [(422, RejectedError), (401, AuthenticationError), (404, UnknownProjectError)],
    )
    @pytest.mark.parametrize(
        ("body", "content_type", "words"),
        [
            (b"the quota of the day is used up\n", "text/plain", "the quota of the day is used up"),
            (
                b"<!doctype html><html><head><TITLE>\n Bad &amp; gone </TITLE></head>",
                "text/html",
                "Bad & gone",
            ),
            (b"<html><body>no title</body></html>", "text/html; charset=utf-8", ""),
            (b"", "application/problem+json", ""),
            (b"{}", "application/json", ""),
            (b'{"title": "cut off", "detail": "the quo', "application/problem+json", "cut off"),
            (b'["a list"]', "application/json", "a list"),
            (b'{"message": "said elsewhere"}', "application/json", "said elsewhere"),
            (b'{"detail": [{"loc": ["limit"]}]}', "application/json", "limit"),
            ("größer".encode("latin-1"), "text/plain; charset=latin-1", "größer"),
            (b"\xff\xfe\x00", "text/plain; charset=nonsense", ""),
            (b"[" * 100_000, "application/json", "[["),
            (b"x" * 100_000, "text/plain", "xxx"),
        ],
        ids=lambda value: str(value)[:20] if isinstance(value, str) else "",
    )
    def test_any_other_body_has_the_same_class_and_its_words(
        self,
        *,
        server: CannedServer,
        rest: RestTransport,
        status: int,
        kind: type[ServiceError],
        body: bytes,
        content_type: str,
        words: str,
    ) -> None:
        server.answer(answer(status, body, content_type=content_type, x_request_id="req-7"))
        error = failure(rest)
        assert type(error) is kind
        assert (error.status, error.request_id, error.retryable) == (status, "req-7", False)
        assert words in str(error)
        assert len(str(error)) < 1_000


@pytest.mark.parametrize("status", [429, 503])
class TestRetryAfter:
    @pytest.mark.parametrize("value", ["1", "1.0"])
    def test_seconds_are_waited(
        self, server: CannedServer, rest: RestTransport, status: int, value: str
    ) -> None:
        server.answer(answer(status, retry_after=value), answer(200, GOOD))
        assert list(rest.spaces()) == []
        assert 1 <= server.times[1] - server.times[0] < 4

    def test_a_date_is_waited_for(
        self, server: CannedServer, rest: RestTransport, status: int
    ) -> None:
        moment = datetime.now(UTC) + timedelta(seconds=2)
        server.answer(
            answer(status, retry_after=format_datetime(moment, usegmt=True)), answer(200, GOOD)
        )
        began = time.monotonic()
        assert list(rest.spaces()) == []
        # The date has whole seconds.
        assert 0.9 <= time.monotonic() - began < 6

    @pytest.mark.parametrize(
        "value", ["", "soon", "-5", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 99 Foo 2015"]
    )
    def test_what_says_nothing_is_repeated_after_a_short_pause(
        self, server: CannedServer, rest: RestTransport, status: int, value: str
    ) -> None:
        server.answer(answer(status, retry_after=value), answer(200, GOOD))
        began = time.monotonic()
        assert list(rest.spaces()) == []
        assert time.monotonic() - began < 4

    def test_without_it_the_repetitions_are_bounded(
        self, server: CannedServer, rest: RestTransport, status: int
    ) -> None:
        server.answer(answer(status))
        error = failure(rest)
        assert error.retry_after_s is None
        assert len(server.requests) == 4

    @pytest.mark.parametrize("value", ["3600", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
    def test_a_pause_beyond_reason_is_told_and_not_made(
        self, server: CannedServer, rest: RestTransport, status: int, value: str
    ) -> None:
        server.answer(answer(status, retry_after=value))
        began = time.monotonic()
        error = failure(rest)
        assert time.monotonic() - began < 4
        assert len(server.requests) == 1
        assert error.retry_after_s is not None
        assert error.retry_after_s >= 3600
        assert "as the service asks" in str(error)


class TestBrokenAnswers:
    @pytest.mark.parametrize(
        "broken",
        [
            b"",
            b"HTTP/1.1 200 OK\r\nContent-Le",
            b"this is no HTTP at all\r\n\r\n",
            answer(200, GOOD[:10], length=len(GOOD)),
            answer(200, b"no gzip", content_encoding="gzip"),
        ],
        ids=["nothing", "half a head", "no HTTP", "half a body", "no gzip"],
    )
    def test_a_read_is_repeated_and_then_the_address_is_named(
        self, server: CannedServer, rest: RestTransport, broken: bytes
    ) -> None:
        server.answer(broken, answer(200, GOOD))
        assert list(rest.spaces()) == []
        server.answer(broken)
        error = failure(rest)
        assert isinstance(error, UnavailableError | RejectedError)
        assert f"http://127.0.0.1:{server.port}" in str(error)

    @pytest.mark.parametrize(
        "body", [GOOD[:-3], b"[]", b"null", b"<html></html>", b"", b"[" * 100_000, b"{}"]
    )
    def test_a_good_status_with_something_else_is_no_answer(
        self, server: CannedServer, rest: RestTransport, body: bytes
    ) -> None:
        server.answer(answer(200, body, content_type="application/json"))
        error = failure(rest)
        assert isinstance(error, RejectedError)
        assert error.status == 200
        assert "api_host" in str(error)


class TestTimeouts:
    def test_a_connection_that_nobody_accepts(self, settings: Callable[..., Settings]) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            port = listener.getsockname()[1]
            fillers = [socket.socket() for _ in range(4)]
            for filler in fillers:
                filler.settimeout(0)
                filler.connect_ex(("127.0.0.1", port))
            began = time.monotonic()
            with RestTransport(settings(api_port=port, connect_timeout_s=0.2)) as rest:
                error = failure(rest)
            for filler in fillers:
                filler.close()
        assert isinstance(error, UnavailableError)
        assert error.retryable
        assert "connect_timeout_s" in str(error)
        assert time.monotonic() - began < 10

    @pytest.mark.parametrize("sent", [b"", answer(200, GOOD[:10], length=len(GOOD))])
    def test_an_answer_that_does_not_come_or_not_to_its_end(
        self, settings: Callable[..., Settings], sent: bytes
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            held: list[socket.socket] = []

            def accept() -> None:
                while True:
                    try:
                        connection, _ = listener.accept()
                    except OSError:
                        return
                    held.append(connection)
                    connection.sendall(sent)

            thread = threading.Thread(target=accept)
            thread.start()
            port = listener.getsockname()[1]
            with RestTransport(settings(api_port=port, read_timeout_s=0.2)) as rest:
                error = failure(rest)
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()
        assert isinstance(error, UnavailableError)
        assert "read_timeout_s" in str(error)
        assert len(held) == 4


class TestSecrets:
    def test_the_key_is_in_no_error_and_no_log(
        self,
        server: CannedServer,
        rest: RestTransport,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        body = tmp_path / "body"
        body.write_bytes(b"\xff\xff\xff\xff")
        caplog.set_level(logging.DEBUG)
        quoting = [
            problem(
                401, detail=f"no key {KEY}", title=KEY, instance=KEY, extra=[{"k": f"<{KEY}>"}]
            ),
            answer(401, f"Bearer {KEY} is wrong".encode()),
            answer(422, json.dumps({"error": KEY}).encode()),
            answer(503, f"<html><title>{KEY}</title>".encode(), retry_after="0"),
        ]
        for one in quoting:
            for call in (
                lambda: list(rest.spaces()),
                lambda: rest.upload(body, space="s", rows=1),
            ):
                server.answer(one)
                with pytest.raises(ServiceError) as caught:
                    call()
                error = caught.value
                shown = [str(error), repr(error), repr(error.__dict__), repr(pickle.dumps(error))]
                assert KEY not in "".join(shown)
                assert "***" in "".join(shown)
        assert all(KEY.encode() in request for request in server.requests)
        assert KEY not in caplog.text + "".join(repr(r.__dict__) for r in caplog.records)

    @pytest.mark.parametrize(
        "headers",
        [
            {"x-token": "hush\nhush"},
            {"x-token": "hush\0"},
            {"x-token": "hush\u20ac"},
            {"x token": "hush"},
            {"": "hush"},
            {"größe": "hush"},
            {"Authorization": "hush"},
            {"SDK-Version": "hush"},
            {"Grpc-Metadata-x": "hush"},
        ],
    )
    def test_a_header_that_cannot_be_sent_is_refused_without_its_value(
        self, server: CannedServer, settings: Callable[..., Settings], headers: dict[str, str]
    ) -> None:
        with (
            RestTransport(settings(default_headers=headers)) as rest,
            pytest.raises(ConfigError, match="default_headers") as caught,
        ):
            list(rest.spaces())
        assert caught.value.setting == "default_headers"
        assert "hush" not in str(caught.value) + repr(caught.value.__cause__)
        assert not server.requests

    def test_further_headers_are_sent(
        self, server: CannedServer, settings: Callable[..., Settings]
    ) -> None:
        with RestTransport(settings(default_headers={"X-Tenant": "größe"})) as rest:
            list(rest.spaces())
        assert "x-tenant: größe\r\n".encode("latin-1") in server.requests[0].lower()

    @pytest.mark.parametrize(
        "proxy", ["htp://u:hush@h", "socks5://u:hush@h", "u:hush@h", "http://u:hu/hush@h"]
    )
    def test_an_impossible_proxy_is_refused_without_its_password(
        self, settings: Callable[..., Settings], proxy: str
    ) -> None:
        given = settings(proxy_url=proxy)
        with RestTransport(given) as rest, pytest.raises(ConfigError, match="proxy_url") as caught:
            list(rest.spaces())
        assert "hush" not in str(caught.value) + repr(caught.value.__cause__) + repr(given)


def test_an_upload_is_repeated_only_where_nothing_was_stored(
    server: CannedServer, rest: RestTransport, tmp_path: Path
) -> None:
    body = tmp_path / "body"
    body.write_bytes(bytes(1_000))
    server.answer(problem(429), problem(503), answer(200, b"{}"))
    assert rest.upload(body, space="s", rows=1).status_code == 200
    assert len(server.requests) == 3
    server.answer(problem(500))
    with pytest.raises(OutcomeUnknownError) as caught:
        rest.upload(body, space="s", rows=1)
    assert caught.value.problem is not None
    assert len(server.requests) == 4
