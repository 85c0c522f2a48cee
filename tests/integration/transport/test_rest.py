"""Against a real HTTP server on loopback that misbehaves as told."""

from __future__ import annotations

import contextlib
import json
import pickle
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from spanduck._config import load_settings
from spanduck._transport.rest import RestTransport
from spanduck._wire import make_id
from spanduck.exceptions import (
    AuthenticationError,
    ConfigError,
    Error,
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

KEY = "ak-secret-1234567890"


@dataclass(frozen=True)
class Answer:
    """One answer. `before_body` and `after_body` hang up instead of answering."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: str = ""
    wait: threading.Event | None = None


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


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
                content = (
                    answer.body
                    if isinstance(answer.body, bytes)
                    else json.dumps(answer.body).encode()
                )
                with contextlib.suppress(OSError):
                    self.send_response(answer.status)
                    for name, value in {
                        "Content-Type": "application/json",
                        **answer.headers,
                    }.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

            def _hang_up(self) -> None:
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)

        return Handler


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    faulty = FaultyServer()
    yield faulty
    faulty.close()


@pytest.fixture
def settings(server: FaultyServer, tmp_path: Any) -> Callable[..., Settings]:
    def make(**overrides: Any) -> Settings:
        return load_settings(
            {
                "api_key": KEY,
                "space": "U3BhY2U6MTphYmNk",
                "api_host": "127.0.0.1",
                "api_scheme": "http",
                "api_port": server.port,
                "read_timeout_s": 5.0,
                **overrides,
            },
            cwd=tmp_path,
        )

    return make


@pytest.fixture
def rest(settings: Callable[..., Any]) -> Iterator[RestTransport]:
    with RestTransport(settings()) as transport:
        yield transport


@pytest.fixture
def body(tmp_path: Path) -> Path:
    file = tmp_path / "body.arrow"
    file.write_bytes(b"\xff\xff\xff\xff" + bytes(3_000_000))
    return file


def space(number: int, name: str) -> dict[str, Any]:
    return {"id": make_id("Space", number), "name": name, "description": "", "created_at": None}


def page(key: str, items: list[dict[str, Any]], cursor: str | None = None) -> Answer:
    more = {"next_cursor": cursor} if cursor else {}
    return Answer(body={key: items, "pagination": {"has_more": cursor is not None, **more}})


class TestReads:
    def test_pages_are_walked_until_there_is_no_cursor(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        server.answer(
            page("spaces", [space(1, "a")], "c1"),
            page("spaces", [space(2, "b")], "c2"),
            page("spaces", [space(3, "c")]),
        )
        assert [item.name for item in rest.spaces(name="x")] == ["a", "b", "c"]
        assert [request.path for request in server.requests] == [
            "/v2/spaces?name=x&limit=100",
            "/v2/spaces?name=x&cursor=c1&limit=100",
            "/v2/spaces?name=x&cursor=c2&limit=100",
        ]

    def test_a_cursor_that_repeats_is_refused(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        server.answer(page("spaces", [], "c"))
        with pytest.raises(RejectedError, match="repeats"):
            list(rest.spaces())

    def test_every_call_names_the_client_and_bears_the_key(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        server.answer(page("projects", []))
        list(rest.projects())
        headers = server.requests[0].headers
        assert headers["Authorization"] == f"Bearer {KEY}"
        assert headers["sdk-package-name"] == "spanduck"
        assert {"sdk-language", "language-version", "sdk-version"} <= headers.keys()

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_a_read_is_repeated(
        self, server: FaultyServer, rest: RestTransport, status: int
    ) -> None:
        server.answer(Answer(status), Answer(status), page("spaces", [space(1, "a")]))
        assert len(list(rest.spaces())) == 1
        assert len(server.requests) == 3

    @pytest.mark.parametrize("hang_up", ["before_body", "after_body"])
    def test_a_read_whose_connection_breaks_is_repeated(
        self, server: FaultyServer, rest: RestTransport, hang_up: str
    ) -> None:
        server.answer(Answer(hang_up=hang_up), page("spaces", [space(1, "a")]))
        assert len(list(rest.spaces())) == 1

    def test_repetitions_are_bounded_and_the_last_error_is_raised(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        server.answer(Answer(503, {"title": "Busy", "status": 503}))
        with pytest.raises(UnavailableError, match="Busy") as caught:
            list(rest.spaces())
        assert len(server.requests) == 4
        assert caught.value.status == 503

    def test_a_pause_is_as_long_as_the_service_asks(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        server.answer(Answer(429, headers={"Retry-After": "1"}), page("spaces", []))
        began = time.monotonic()
        list(rest.spaces())
        assert time.monotonic() - began >= 1

    def test_a_pause_that_is_too_long_is_not_made(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        server.answer(Answer(429, headers={"Retry-After": "3600"}))
        with pytest.raises(UnavailableError) as caught:
            list(rest.spaces())
        assert len(server.requests) == 1
        assert caught.value.retry_after_s == 3600

    def test_a_slow_answer_ends_in_time(
        self, server: FaultyServer, settings: Callable[..., Any]
    ) -> None:
        release = threading.Event()
        server.answer(Answer(wait=release))
        began = time.monotonic()
        with (
            RestTransport(settings(read_timeout_s=0.2)) as rest,
            pytest.raises(UnavailableError, match="did not answer in time"),
        ):
            list(rest.spaces())
        assert time.monotonic() - began < 8
        release.set()

    def test_nobody_there(self, settings: Callable[..., Any]) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            with (
                RestTransport(settings(api_port=port)) as rest,
                pytest.raises(UnavailableError, match=f"http://127.0.0.1:{port}") as caught,
            ):
                list(rest.spaces())
        assert "api_host" in str(caught.value)


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (400, RejectedError),
            (401, AuthenticationError),
            (403, AuthenticationError),
            (404, UnknownProjectError),
            (409, RejectedError),
            (422, RejectedError),
            (302, RejectedError),
        ],
    )
    def test_a_status_has_its_class_and_the_service_its_own_words(
        self, server: FaultyServer, rest: RestTransport, status: int, expected: type[ServiceError]
    ) -> None:
        problem = {
            "status": status,
            "title": "Nope",
            "detail": "the window is too wide",
            "request_id": "req-7",
        }
        server.answer(Answer(status, problem, {"Content-Type": "application/problem+json"}))
        with pytest.raises(expected, match="the window is too wide") as caught:
            list(rest.spaces())
        assert len(server.requests) == 1
        error = caught.value
        assert (error.status, error.request_id) == (status, "req-7")
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        assert (type(again), str(again), again.status) == (expected, str(error), status)

    def test_the_key_is_never_repeated(self, server: FaultyServer, rest: RestTransport) -> None:
        server.answer(Answer(401, f"no such key: {KEY}".encode(), {"Content-Type": "text/plain"}))
        with pytest.raises(AuthenticationError, match="no such key") as caught:
            list(rest.spaces())
        assert KEY not in str(caught.value) + repr(caught.value) + repr(caught.value.__dict__)

    def test_a_page_of_another_program_is_no_answer(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        server.answer(Answer(200, b"<html>router</html>", {"Content-Type": "text/html"}))
        with pytest.raises(RejectedError, match="no JSON object"):
            list(rest.spaces())

    def test_a_ca_file_that_is_not_there_is_told(self, settings: Callable[..., Any]) -> None:
        with (
            RestTransport(settings(api_scheme="https", ssl_ca_cert="/nowhere.pem")) as rest,
            pytest.raises(ConfigError, match=r"/nowhere\.pem"),
        ):
            list(rest.spaces())

    def test_a_scheme_in_the_host_is_told(self, settings: Callable[..., Any]) -> None:
        with (
            RestTransport(settings(api_host="http://localhost")) as rest,
            pytest.raises(Error, match="api_host"),
        ):
            list(rest.spaces())

    def test_a_closed_transport_says_so(self, rest: RestTransport) -> None:
        rest.close()
        rest.close()
        with pytest.raises(ConfigError, match="closed"):
            list(rest.spaces())


class TestLookUps:
    def test_a_project_is_found_by_its_exact_name(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        items = [
            {"id": make_id("Model", n), "name": name, "space_id": "s"}
            for n, name in enumerate(["my-app-2", "My-App", "my-app"])
        ]
        server.answer(page("spaces", [space(1, "team")]), page("projects", items))
        assert rest.resolve_project("my-app", "team").id == make_id("Model", 2)
        assert [request.path.partition("?")[0] for request in server.requests] == [
            "/v2/spaces",
            "/v2/projects",
        ]

    def test_near_matches_of_an_unknown_project_are_named(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        known = [{"id": make_id("Model", 1), "name": "my-llm-app", "space_id": "s"}]
        server.answer(page("projects", []), page("projects", known))
        with pytest.raises(UnknownProjectError, match="Did you mean 'my-llm-app'"):
            rest.resolve_project("my-lm-app", make_id("Space", 1))

    def test_two_spaces_of_one_name_are_ambiguous(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        server.answer(page("spaces", [space(1, "team"), space(2, "team")]))
        with pytest.raises(ConfigError, match="2 spaces"):
            rest.resolve_space("team")

    def test_a_project_by_name_needs_a_space(
        self, server: FaultyServer, rest: RestTransport
    ) -> None:
        with pytest.raises(ConfigError, match="ARIZE_SPACE"):
            rest.resolve_project("my-app")
        assert not server.requests


class TestUploads:
    def test_the_body_is_the_file_with_its_length_and_no_type(
        self, server: FaultyServer, rest: RestTransport, body: Path
    ) -> None:
        receipt = rest.upload(body, space="team", rows=7)
        request = server.requests[0]
        assert (request.method, request.path) == ("POST", "/v1/pandas_arrow")
        assert request.body == body.read_bytes()
        assert receipt.size_bytes == len(request.body) == int(request.headers["Content-Length"])
        assert "Content-Type" not in request.headers
        assert "Transfer-Encoding" not in request.headers
        assert request.headers["authorization"] == KEY
        assert request.headers["arize-space-id"] == "team"
        assert request.headers["arize-interface"] == "batch"
        assert request.headers["number-of-rows"] == "7"

    @pytest.mark.parametrize("status", [429, 503])
    def test_it_is_repeated_whole_where_the_service_did_nothing(
        self, server: FaultyServer, rest: RestTransport, body: Path, status: int
    ) -> None:
        server.answer(Answer(status, headers={"Retry-After": "0"}), Answer(body={}))
        assert rest.upload(body, space="team", rows=1).status_code == 200
        assert [request.body for request in server.requests] == [body.read_bytes()] * 2

    @pytest.mark.parametrize("status", [408, 500, 502, 504])
    def test_it_is_not_repeated_where_the_service_may_have_stored_it(
        self, server: FaultyServer, rest: RestTransport, body: Path, status: int
    ) -> None:
        server.answer(Answer(status), Answer(body={}))
        with pytest.raises(OutcomeUnknownError):
            rest.upload(body, space="team", rows=1)
        assert len(server.requests) == 1

    @pytest.mark.parametrize("hang_up", ["before_body", "after_body"])
    def test_a_connection_that_breaks_after_bytes_were_sent_leaves_the_outcome_unknown(
        self, server: FaultyServer, rest: RestTransport, body: Path, hang_up: str
    ) -> None:
        server.answer(Answer(hang_up=hang_up), Answer(body={}))
        with pytest.raises(OutcomeUnknownError, match="bytes were sent"):
            rest.upload(body, space="team", rows=1)
        assert len(server.requests) == 1

    def test_no_answer_in_time_leaves_the_outcome_unknown(
        self, server: FaultyServer, rest: RestTransport, body: Path
    ) -> None:
        release = threading.Event()
        server.answer(Answer(wait=release))
        with pytest.raises(OutcomeUnknownError):
            rest.upload(body, space="team", rows=1, timeout_s=0.2)
        release.set()
        assert len(server.requests) == 1

    def test_it_is_repeated_while_nobody_is_there(
        self, settings: Callable[..., Any], body: Path
    ) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            with (
                RestTransport(settings(api_port=port)) as rest,
                pytest.raises(UnavailableError) as caught,
            ):
                rest.upload(body, space="team", rows=1)
        assert caught.value.retryable

    def test_an_error_in_a_good_answer_is_an_error(
        self, server: FaultyServer, rest: RestTransport, body: Path
    ) -> None:
        server.answer(Answer(200, {"error": "schema is wrong"}))
        with pytest.raises(RejectedError, match="schema is wrong"):
            rest.upload(body, space="team", rows=1)

    @pytest.mark.parametrize("answer", [b"", b"ok", b'{"realTimeIngestionUri": "https://x/y"}'])
    def test_any_good_answer_will_do(
        self, server: FaultyServer, rest: RestTransport, body: Path, answer: bytes
    ) -> None:
        server.answer(Answer(200, answer))
        receipt = rest.upload(body, space="team", rows=1)
        assert receipt.url == ("https://x/y" if answer.startswith(b"{") else None)

    def test_a_redirect_is_not_followed(
        self, server: FaultyServer, rest: RestTransport, body: Path
    ) -> None:
        server.answer(Answer(302, headers={"Location": "http://elsewhere/"}))
        with pytest.raises(RejectedError, match="http://elsewhere/"):
            rest.upload(body, space="team", rows=1)
        assert len(server.requests) == 1

    def test_an_early_refusal_is_told_though_the_body_was_not_read(
        self, settings: Callable[..., Any], tmp_path: Path
    ) -> None:
        # Larger than any socket buffer, so that the client is still writing when the answer comes.
        large = tmp_path / "large.arrow"
        large.write_bytes(bytes(64_000_000))
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def refuse() -> None:
                connection, _ = listener.accept()
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
                # Read on for a moment: a reset would take the answer with it.
                connection.settimeout(0.3)
                try:
                    while connection.recv(1 << 20):
                        pass
                except OSError:
                    pass
                connection.close()

            thread = threading.Thread(target=refuse)
            thread.start()
            port = listener.getsockname()[1]
            with RestTransport(settings(api_port=port)) as rest, pytest.raises(AuthenticationError):
                rest.upload(large, space="team", rows=1)
            thread.join()

    def test_a_space_that_no_header_can_carry_is_refused(
        self, server: FaultyServer, rest: RestTransport, body: Path
    ) -> None:
        with pytest.raises(ConfigError, match="id of the space"):
            rest.upload(body, space="Größe", rows=1)
        assert not server.requests
