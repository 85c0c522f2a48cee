"""A body that is sent once, and again only where nothing was stored."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from spanduck._transport.rest import RestTransport
from spanduck.exceptions import (
    AuthenticationError,
    ConfigError,
    OutcomeUnknownError,
    RejectedError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


# A class of the folder's conftest, which is no module to import from.
FaultyServer: TypeAlias = Any


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
        assert request.headers["authorization"] == server.KEY
        assert request.headers["arize-space-id"] == "team"
        assert request.headers["arize-interface"] == "batch"
        assert request.headers["number-of-rows"] == "7"

    @pytest.mark.parametrize("status", [429, 503])
    def test_it_is_repeated_whole_where_the_service_did_nothing(
        self, server: FaultyServer, rest: RestTransport, body: Path, status: int
    ) -> None:
        server.answer(server.Answer(status, headers={"Retry-After": "0"}), server.Answer(body={}))
        assert rest.upload(body, space="team", rows=1).status_code == 200
        assert [request.body for request in server.requests] == [body.read_bytes()] * 2

    @pytest.mark.parametrize("status", [408, 500, 502, 504])
    def test_it_is_not_repeated_where_the_service_may_have_stored_it(
        self, server: FaultyServer, rest: RestTransport, body: Path, status: int
    ) -> None:
        server.answer(server.Answer(status), server.Answer(body={}))
        with pytest.raises(OutcomeUnknownError):
            rest.upload(body, space="team", rows=1)
        assert len(server.requests) == 1

    @pytest.mark.parametrize("hang_up", ["before_body", "after_body"])
    def test_a_connection_that_breaks_after_bytes_were_sent_leaves_the_outcome_unknown(
        self, server: FaultyServer, rest: RestTransport, body: Path, hang_up: str
    ) -> None:
        server.answer(server.Answer(hang_up=hang_up), server.Answer(body={}))
        with pytest.raises(OutcomeUnknownError, match="bytes were sent"):
            rest.upload(body, space="team", rows=1)
        assert len(server.requests) == 1

    def test_no_answer_in_time_leaves_the_outcome_unknown(
        self, server: FaultyServer, rest: RestTransport, body: Path
    ) -> None:
        release = threading.Event()
        server.answer(server.Answer(wait=release))
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
        server.answer(server.Answer(200, {"error": "schema is wrong"}))
        with pytest.raises(RejectedError, match="schema is wrong"):
            rest.upload(body, space="team", rows=1)

    @pytest.mark.parametrize("answer", [b"", b"ok", b'{"realTimeIngestionUri": "https://x/y"}'])
    def test_any_good_answer_will_do(
        self, server: FaultyServer, rest: RestTransport, body: Path, answer: bytes
    ) -> None:
        server.answer(server.Answer(200, answer))
        receipt = rest.upload(body, space="team", rows=1)
        assert receipt.url == ("https://x/y" if answer.startswith(b"{") else None)

    def test_a_redirect_is_not_followed(
        self, server: FaultyServer, rest: RestTransport, body: Path
    ) -> None:
        server.answer(server.Answer(302, headers={"Location": "http://elsewhere/"}))
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
