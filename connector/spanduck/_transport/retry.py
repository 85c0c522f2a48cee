"""What may be sent again, how often, and after which pause.

An error says itself whether its call may be repeated (`ServiceError.retryable`): the transport
that raises it knows whether the call was a read, and whether a byte of an upload had left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    stop_when_event_set,
)
from tenacity.nap import sleep_using_event
from tenacity.wait import wait_random_exponential

from spanduck.exceptions import ServiceError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

ATTEMPTS: Final = 4
TOTAL_S: Final = 60.0
"""No further attempt starts later than this after the first, whatever the service asks for."""

_BACKOFF: Final = wait_random_exponential(multiplier=0.25, max=8.0)


def retrying(
    *,
    attempts: int = ATTEMPTS,
    total_s: float = TOTAL_S,
    cancel: threading.Event | None = None,
    when: Callable[[BaseException], bool] | None = None,
) -> Retrying:
    """Return a policy: bounded in count and time, with jitter, honouring `Retry-After`.

    Calling it with a function runs the function until it returns, or raises an error that is not
    `retryable`; when the attempts or the time are used up, the last error is raised as it is.

    Args:
        attempts: Calls at most, the first among them.
        total_s: Seconds after the first call within which the last one must start. A service that
            asks for a longer pause is not waited for.
        cancel: Set it to end the pauses and the attempts.
        when: Which errors may be repeated; those that say so of themselves by default.
    """
    stop = stop_after_attempt(attempts) | stop_before_delay(total_s)
    is_retryable = _IS_RETRYABLE if when is None else retry_if_exception(when)
    if cancel is None:
        return Retrying(retry=is_retryable, stop=stop, wait=_pause, reraise=True)
    return Retrying(
        retry=is_retryable,
        stop=stop | stop_when_event_set(cancel),
        wait=_pause,
        sleep=sleep_using_event(cancel),
        reraise=True,
    )


_IS_RETRYABLE: Final = retry_if_exception(
    lambda exc: isinstance(exc, ServiceError) and exc.retryable
)


def _pause(state: RetryCallState) -> float:
    backoff = _BACKOFF(state)
    error = state.outcome.exception() if state.outcome is not None else None
    asked = error.retry_after_s if isinstance(error, ServiceError) else None
    # The jitter comes on top of what was asked: everybody who was told "in 5 seconds" comes back
    # then.
    return backoff if asked is None else asked + backoff
