"""Work that Ctrl-C can end at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from spanduck._progress import end_progress

if TYPE_CHECKING:
    from collections.abc import Callable

ResultT = TypeVar("ResultT")

# Together less than the second within which Ctrl-C ends: cancelling, leaving, and Python's own end.
_GRACE_S: Final = 0.5
_LOOK_S: Final = 0.1


class _Work(threading.Thread, Generic[ResultT]):
    def __init__(self, function: Callable[[], ResultT]) -> None:
        # A daemon: one that hangs in a native call must not keep the process.
        super().__init__(name="spanduck-work", daemon=True)
        self._function = function
        # `join` will not do: one that Ctrl-C ends takes the thread for ended (before Python 3.13).
        self.has_ended = threading.Event()
        self.result: ResultT
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self._function()
        except BaseException as exc:  # noqa: BLE001 - raised again by the thread that waits
            self.failure = exc
        finally:
            self.has_ended.set()


def run_interruptibly(function: Callable[[], ResultT], cancel: Callable[[], object]) -> ResultT:
    """Run a function in a thread of its own while the main thread listens to Ctrl-C.

    In a native call no signal handler of Python runs, so the main thread must not be in one.

    Args:
        function: The work.
        cancel: Called once on Ctrl-C, from the main thread; makes the work end soon.

    Returns:
        What the function returns. What it raises is raised.

    Raises:
        KeyboardInterrupt: Ctrl-C came. The work was cancelled; if it has not ended within half a
            second its thread goes on, and the process must not wait for it.
    """
    work = _Work(function)
    work.start()
    try:
        # Looked at now and then: a signal that another thread takes does not wake this one.
        while not work.has_ended.wait(_LOOK_S):
            pass
    except KeyboardInterrupt:
        cancel()
        work.has_ended.wait(_GRACE_S)
        end_progress()
        raise
    if work.failure is not None:
        raise work.failure
    return work.result
