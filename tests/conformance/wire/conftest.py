"""The vendor's client and ours in front of the same recording servers."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from arize import ArizeClient
from tests.conformance.wire.differences import HEADERS
from tests.conformance.wire.recording import (
    PROJECT_NAME,
    SPACE,
    SPACE_NAME,
    Call,
    FlightRecorder,
    Log,
    RestRecorder,
)

from spanduck import SpansClient

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Both:
    """Both clients before the same recording servers."""

    vendor: Any
    ours: Any
    log: Log
    address: dict[str, Any]

    def anew(self) -> Both:
        """Return new clients, which have looked up nothing yet. Whoever asks closes `ours`."""
        return replace(
            self, vendor=ArizeClient(**self.address).spans, ours=SpansClient(**self.address)
        )

    # `Any`: whatever the method takes.
    def __call__(self, method: str, **arguments: Any) -> list[tuple[Call, Call]]:
        """Return the calls that a method makes, the vendor's and ours in pairs.

        They have been compared in what they call, and in their headers.
        """
        getattr(self.vendor, method)(**arguments)
        theirs = self.log.take()
        getattr(self.ours, method)(**arguments)
        pairs = list(zip(theirs, self.log.take(), strict=True))
        for their, our in pairs:
            if their.surface == "flight":
                assert our.line == their.line
            else:
                assert our.target == their.target
            assert_same_headers(their, our)
        return pairs


def agrees(value: str | None, expected: str | None) -> bool:
    if expected is None or value is None:
        return value == expected
    return re.fullmatch(expected, value) is not None


def assert_same_headers(their: Call, our: Call) -> None:
    theirs, ours = dict(their.headers), dict(our.headers)
    for difference in HEADERS:
        if difference.surface in ("any", their.surface):
            for expected, headers in ((difference.vendor, theirs), (difference.ours, ours)):
                assert agrees(headers.pop(difference.header, None), expected), difference
    for call, headers in ((their, theirs), (our, ours)):
        if call.body and call.surface != "flight":
            assert headers.pop("content-length") == str(len(call.body))
    assert ours == theirs


@pytest.fixture(scope="module")
def both(no_settings_from_outside: None) -> Iterator[Both]:
    log = Log()
    rest = RestRecorder(log)
    with FlightRecorder(log) as flight:
        address: dict[str, Any] = {
            "api_key": "ak-1",
            "api_host": "127.0.0.1",
            "api_scheme": "http",
            "api_port": rest.port,
            "flight_host": "127.0.0.1",
            "flight_port": flight.port,
            "flight_scheme": "grpc+tcp",
        }
        with SpansClient(**address) as ours:
            yield Both(ArizeClient(**address).spans, ours, log, address)
    rest.close()


@pytest.fixture(scope="session")
def named() -> dict[str, str]:
    """A project and its space by name, as calls of REST take them."""
    return {"project": PROJECT_NAME, "space": SPACE_NAME}


@pytest.fixture(scope="session")
def addressed() -> dict[str, str]:
    """The same as uploads, updates and exports take them."""
    return {"project_name": PROJECT_NAME, "space_id": SPACE}


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose local time is nine hours ahead."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()
