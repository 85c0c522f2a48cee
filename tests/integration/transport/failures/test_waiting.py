"""How long a failed call waits, and for what."""

from __future__ import annotations

import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest

from spanduck._transport.rest import RestTransport
from spanduck.exceptions import (
    ServiceError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanduck._config import Settings


# A class of the folder's conftest, which is no module to import from.
CannedServer: TypeAlias = Any


HALF_A_BODY: Final = b'HTTP/1.1 200 OK\r\nContent-Length: 49\r\nConnection: close\r\n\r\n{"spaces":'


def failure(rest: RestTransport) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        list(rest.spaces())
    return caught.value


@pytest.mark.parametrize("status", [429, 503])
class TestRetryAfter:
    @pytest.mark.parametrize("value", ["1", "1.0"])
    def test_seconds_are_waited(
        self, server: CannedServer, rest: RestTransport, status: int, value: str
    ) -> None:
        server.answer(server.reply(status, retry_after=value), server.reply(200, server.GOOD))
        assert list(rest.spaces()) == []
        assert 1 <= server.times[1] - server.times[0] < 4

    def test_a_date_is_waited_for(
        self, server: CannedServer, rest: RestTransport, status: int
    ) -> None:
        moment = datetime.now(UTC) + timedelta(seconds=2)
        server.answer(
            server.reply(status, retry_after=format_datetime(moment, usegmt=True)),
            server.reply(200, server.GOOD),
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
        server.answer(server.reply(status, retry_after=value), server.reply(200, server.GOOD))
        began = time.monotonic()
        assert list(rest.spaces()) == []
        assert time.monotonic() - began < 4

    def test_without_it_the_repetitions_are_bounded(
        self, server: CannedServer, rest: RestTransport, status: int
    ) -> None:
        server.answer(server.reply(status))
        error = failure(rest)
        assert error.retry_after_s is None
        assert len(server.requests) == 4

    @pytest.mark.parametrize("value", ["3600", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
    def test_a_pause_beyond_reason_is_told_and_not_made(
        self, server: CannedServer, rest: RestTransport, status: int, value: str
    ) -> None:
        server.answer(server.reply(status, retry_after=value))
        began = time.monotonic()
        error = failure(rest)
        assert time.monotonic() - began < 4
        assert len(server.requests) == 1
        assert error.retry_after_s is not None
        assert error.retry_after_s >= 3600
        assert "as the service asks" in str(error)


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

    @pytest.mark.parametrize("sent", [b"", HALF_A_BODY])
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
