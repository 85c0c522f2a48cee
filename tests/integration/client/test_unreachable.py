"""A service that is not there, or does not answer in time, in every call of the client."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

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

from spanduck.exceptions import OutcomeUnknownError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.client.conftest import SilentService

    from spanduck import SpansClient

    Connect = Callable[..., SpansClient]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else can take."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.mark.parametrize("name", list(ALL))
def test_a_refused_connection_names_the_address_and_may_be_tried_again(
    closed_port: int, connect: Connect, name: str
) -> None:
    client = connect(closed_port, connect_timeout_s=1)
    with pytest.raises(UnavailableError, match=f"127.0.0.1:{closed_port}") as caught:
        ALL[name](client)
    assert caught.value.status is None
    assert caught.value.retryable
    setting = "api_host" if name in REST else "FLIGHT_HOST"
    assert setting in caught.value.next_step


@pytest.mark.parametrize("name", [*READS, *REPEATABLE_WRITES])
def test_no_answer_in_time_may_be_tried_again(
    silent: SilentService, connect: Connect, name: str
) -> None:
    client = connect(silent.port, read_timeout_s=0.1, write_timeout_s=0.1)
    with pytest.raises(UnavailableError, match="did not answer in time") as caught:
        REST[name](client)
    assert caught.value.retryable
    assert "timeout_s" in caught.value.next_step


@pytest.mark.parametrize("name", list(WRITES))
def test_no_answer_in_time_to_what_must_not_be_repeated_leaves_the_outcome_unknown(
    silent: SilentService, connect: Connect, name: str
) -> None:
    client = connect(silent.port, write_timeout_s=0.1)
    with pytest.raises(OutcomeUnknownError, match="not known whether") as caught:
        WRITES[name](client)
    assert not caught.value.retryable
    # Not a second time.
    assert silent.heard.acquire(blocking=False)
    assert not silent.heard.acquire(blocking=False)


@pytest.mark.parametrize("name", [*FLIGHT_WRITES, *EXPORTS])
def test_a_flight_service_that_says_nothing_is_given_up(
    silent: SilentService, connect: Connect, name: str
) -> None:
    client = connect(silent.port, connect_timeout_s=0.3)
    with pytest.raises(UnavailableError, match="app") as caught:
        ALL[name](client)
    assert caught.value.retryable
