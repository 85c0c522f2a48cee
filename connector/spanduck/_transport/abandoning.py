"""Calls that nothing can interrupt, and that one may stop to wait for all the same."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import Future, InvalidStateError
from typing import TYPE_CHECKING, Any, TypeVar

from spanduck.exceptions import CancelledError, OutcomeUnknownError

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanduck.exceptions import Error

_ResultT = TypeVar("_ResultT")


class AbandonedCalls:
    """Runs calls, each in a thread of its own, until they return or `abandon` comes.

    A call that was abandoned goes on in its daemon thread; nobody hears what becomes of it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # `Any`: the results of the calls.
        self._errors: dict[Future[Any], Callable[[], Exception]] = {}

    def run(
        self, call: Callable[[], _ResultT], *, name: str, when_abandoned: Callable[[], Exception]
    ) -> _ResultT:
        """Return what a call returns, and raise what it raises.

        Args:
            call: What to run.
            name: Of the thread.
            when_abandoned: Returns what is raised when the call is abandoned.
        """
        future: Future[_ResultT] = Future()

        def work() -> None:
            try:
                result = call()
            except BaseException as exc:  # noqa: BLE001 - raised where the result is waited for
                with contextlib.suppress(InvalidStateError):
                    future.set_exception(exc)
            else:
                with contextlib.suppress(InvalidStateError):
                    future.set_result(result)

        with self._lock:
            self._errors[future] = when_abandoned
        threading.Thread(target=work, name=name, daemon=True).start()
        try:
            return future.result()
        finally:
            with self._lock:
                self._errors.pop(future, None)

    def abandon(self) -> None:
        """End the waiting for every call that is under way."""
        with self._lock:
            errors, self._errors = self._errors, {}
        for future, error in errors.items():
            with contextlib.suppress(InvalidStateError):
                future.set_exception(error())


def from_closing(*, what: str, bytes_sent: int | None) -> Error:
    """Return the error of a call that ended because its client was closed.

    Args:
        what: What was tried.
        bytes_sent: Bytes that may have left of what the call writes; None for a read.
    """
    if bytes_sent:
        return OutcomeUnknownError(
            f"{what}: the client was closed before the service answered, so it is not known "
            "whether it was done",
            next_step="Close a client when its calls have returned; look what the service holds.",
        )
    return CancelledError(
        f"{what} was ended: the client was closed",
        next_step="Close a client when its calls have returned.",
    )
