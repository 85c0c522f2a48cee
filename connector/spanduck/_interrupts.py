"""Work that Ctrl-C ends where it can be accounted for, never in the middle of a native call."""

from __future__ import annotations

import contextvars
import threading
import time
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

ResultT = TypeVar("ResultT")

_LOOK_S: Final = 0.1


class _Work(threading.Thread, Generic[ResultT]):
    def __init__(
        self, function: Callable[[], ResultT], discard: Callable[[ResultT], object]
    ) -> None:
        # A daemon: one that hangs in a native call must not keep the process.
        super().__init__(name="spanduck-work", daemon=True)
        self._function = function
        self._discard = discard
        self._context = contextvars.copy_context()
        self._lock = threading.Lock()
        self._results: list[ResultT] = []
        self._is_abandoned = False
        # `join` will not do: one that Ctrl-C ends takes the thread for ended (before Python 3.13).
        self.has_ended = threading.Event()
        self._failure: BaseException | None = None

    def run(self) -> None:
        try:
            result = self._context.run(self._function)
            with self._lock:
                self._results.append(result)
            if self._is_abandoned:
                self.abandon()
        except BaseException as exc:  # noqa: BLE001 - raised again by the thread that waits
            with self._lock:
                self._failure = None if self._is_abandoned else exc
        finally:
            self.has_ended.set()

    def take(self) -> ResultT:
        """Return what the function returned, or raise what it raised. Once."""
        failure, self._failure = self._failure, None
        try:
            if failure is not None:
                raise failure
            return self._results.pop()
        finally:
            # Its frames have this one, and would keep what they hold until somebody looks for
            # cycles.
            del failure

    def abandon(self) -> None:
        """Discard the result, now or when it comes."""
        with self._lock:
            self._is_abandoned = True
            self._failure = None
            results, self._results = self._results, []
        for result in results:
            self._discard(result)


def run_beside(
    function: Callable[[], ResultT],
    *,
    cancel: Callable[[], object],
    grace_s: float,
    discard: Callable[[ResultT], object] = lambda _: None,
) -> ResultT:
    """Run a function in a thread of its own while the main thread listens to Ctrl-C.

    Only the main thread sees signals. In a native call no handler of Python runs, or what it raises
    comes out as an error of the engine's; between two statements it leaves a transaction open. So
    the main thread must be in none. Called from another thread the function simply runs there.

    Args:
        function: The work. It has the context variables of the caller.
        cancel: Makes the work end soon. Called on Ctrl-C, from the main thread, and again and again
            until the work has ended: what it ends may not have begun the first time.
        grace_s: How long the work is waited for then. A second Ctrl-C ends the waiting.
        discard: Takes a result that came too late to be returned.

    Returns:
        What the function returns. What it raises is raised.

    Raises:
        KeyboardInterrupt: Ctrl-C came. The work was cancelled; if it has not ended within
            `grace_s` its thread goes on.
    """
    if threading.current_thread() is not threading.main_thread():
        return function()
    work = _Work(function, discard)
    try:
        work.start()
        # Looked at now and then: a signal that another thread takes does not wake this one.
        while not work.has_ended.wait(_LOOK_S):
            pass
        return work.take()
    except KeyboardInterrupt:
        _end(work, cancel, grace_s)
        raise


def _end(work: _Work[ResultT], cancel: Callable[[], object], grace_s: float) -> None:
    deadline = time.monotonic() + grace_s
    try:
        cancel()
        while not work.has_ended.wait(min(_LOOK_S, grace_s)) and time.monotonic() < deadline:
            cancel()
    finally:
        work.abandon()
