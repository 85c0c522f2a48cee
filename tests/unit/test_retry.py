from __future__ import annotations

import threading
import time

import pytest

from spanduck._transport.retry import retrying
from spanduck.exceptions import RejectedError, UnavailableError


class _Fails:
    def __init__(self, *errors: Exception) -> None:
        self.calls = 0
        self._errors = list(errors)

    def __call__(self) -> str:
        self.calls += 1
        if self._errors:
            raise self._errors.pop(0)
        return "done"


def _busy(retry_after_s: float | None = 0.0) -> UnavailableError:
    return UnavailableError("busy", retryable=True, retry_after_s=retry_after_s)


def test_an_error_that_may_be_repeated_is() -> None:
    call = _Fails(_busy(), _busy())
    assert retrying()(call) == "done"
    assert call.calls == 3


def test_an_error_that_may_not_be_repeated_is_raised_as_it_is() -> None:
    error = RejectedError("no")
    call = _Fails(error)
    with pytest.raises(RejectedError) as caught:
        retrying()(call)
    assert caught.value is error
    assert call.calls == 1


def test_a_foreign_error_is_not_repeated() -> None:
    call = _Fails(KeyError("x"))
    with pytest.raises(KeyError):
        retrying()(call)
    assert call.calls == 1


def test_attempts_are_bounded() -> None:
    call = _Fails(*[_busy()] * 10)
    with pytest.raises(UnavailableError):
        retrying(attempts=2)(call)
    assert call.calls == 2


def test_time_is_bounded() -> None:
    call = _Fails(_busy(60.0))
    began = time.monotonic()
    with pytest.raises(UnavailableError):
        retrying(total_s=1.0)(call)
    assert call.calls == 1
    assert time.monotonic() - began < 1


def test_a_set_event_ends_the_attempts() -> None:
    cancel = threading.Event()
    cancel.set()
    call = _Fails(_busy(30.0))
    began = time.monotonic()
    with pytest.raises(UnavailableError):
        retrying(cancel=cancel)(call)
    assert time.monotonic() - began < 1
