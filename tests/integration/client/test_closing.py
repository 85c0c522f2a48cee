"""A client that is closed while other threads are in its calls."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pyarrow.flight as fl  # noqa: TID251 - a service that takes data and never answers
import pytest
from tests.integration.client.calls import (
    ALL,
    EXPORTS,
    FLIGHT_WRITES,
    READS,
    REPEATABLE_WRITES,
    REST,
    WRITES,
)

from spanduck.exceptions import CancelledError, ConfigError, OutcomeUnknownError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.client.conftest import ScriptedService, SilentService

    from spanduck import SpansClient

    Connect = Callable[..., SpansClient]

# Far below any time-out of the client.
SOON_S = 20


def error_of_closing(
    client: SpansClient, call: Callable[[SpansClient], Any], is_under_way: Callable[[], object]
) -> BaseException | None:
    """Close the client when its call is under way; return what the call raises then."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(call, client)
        is_under_way()
        client.close()
        return waiting.exception(timeout=SOON_S)


@pytest.mark.parametrize("name", [*READS, *EXPORTS])
def test_a_read_that_is_under_way_says_that_the_client_was_closed(
    silent: SilentService, connect: Connect, name: str
) -> None:
    error = error_of_closing(connect(silent.port), ALL[name], silent.heard.acquire)
    assert isinstance(error, CancelledError), error
    assert "closed" in str(error) or "cancelled" in str(error)


@pytest.mark.parametrize("name", [*REPEATABLE_WRITES, *WRITES])
def test_a_write_that_was_sent_is_of_unknown_outcome(
    silent: SilentService, connect: Connect, name: str
) -> None:
    error = error_of_closing(connect(silent.port), REST[name], silent.heard.acquire)
    assert isinstance(error, OutcomeUnknownError), error
    assert "the client was closed before the service answered" in error.message
    assert not error.retryable


class TakingService(fl.FlightServerBase):  # type: ignore[misc]  # pyarrow is untyped
    """Takes everything that is put, and answers when it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0))
        self.has_all = threading.Event()
        self.may_answer = threading.Event()

    def do_put(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> None:
        reader.read_all()
        self.has_all.set()
        self.may_answer.wait(SOON_S)


@pytest.fixture
def taking() -> Iterator[TakingService]:
    with TakingService() as service:
        yield service
        service.may_answer.set()


@pytest.mark.parametrize("name", list(FLIGHT_WRITES))
def test_a_write_back_that_was_sent_is_of_unknown_outcome(
    taking: TakingService, connect: Connect, name: str
) -> None:
    client = connect(1, flight_port=taking.port)
    error = error_of_closing(client, FLIGHT_WRITES[name], taking.has_all.wait)
    assert isinstance(error, OutcomeUnknownError), error
    assert "the write-back to 'app'" in error.message
    assert "the client was closed" in error.message


@pytest.mark.parametrize("name", list(FLIGHT_WRITES))
def test_a_write_back_of_which_nothing_was_sent_was_ended(
    silent: SilentService, connect: Connect, name: str
) -> None:
    error = error_of_closing(connect(silent.port), FLIGHT_WRITES[name], silent.heard.acquire)
    assert isinstance(error, CancelledError), error
    assert "the write-back to 'app' was ended: the client was closed" in error.message


def test_every_call_that_is_under_way_hears_of_it(silent: SilentService, connect: Connect) -> None:
    client = connect(silent.port)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(READS["list"], client) for _ in range(8)]
        for _ in waiting:
            silent.heard.acquire()
        client.close()
        errors = [call.exception(timeout=SOON_S) for call in waiting]
    assert [type(error) for error in errors] == [CancelledError] * 8


def test_a_pause_before_a_repetition_ends(scripted: ScriptedService, connect: Connect) -> None:
    scripted.answer.status = 503
    scripted.answer.headers["Retry-After"] = "30"
    client = connect(scripted.port)
    error = error_of_closing(client, READS["list"], scripted.heard.acquire)
    # What the service has said, or that the client was closed: before that was read, or before
    # another attempt.
    assert isinstance(error, UnavailableError | CancelledError | ConfigError), error


@pytest.mark.parametrize("name", list(ALL))
def test_a_closed_client_refuses(scripted: ScriptedService, connect: Connect, name: str) -> None:
    client = connect(scripted.port)
    client.close()
    client.close()
    with pytest.raises(ConfigError, match="the client is closed"):
        ALL[name](client)
    assert scripted.asked == []
