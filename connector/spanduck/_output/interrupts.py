"""Work that Ctrl-C can end at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from spanduck._interrupts import run_beside
from spanduck._progress import end_progress

if TYPE_CHECKING:
    from collections.abc import Callable

ResultT = TypeVar("ResultT")

# Together less than the second within which Ctrl-C ends: cancelling, leaving, and Python's own end.
_GRACE_S: Final = 0.5


def run_interruptibly(function: Callable[[], ResultT], cancel: Callable[[], object]) -> ResultT:
    """Run a command's work so that Ctrl-C ends it; see `run_beside`.

    Args:
        function: The work.
        cancel: Called on Ctrl-C, from the main thread; makes the work end soon.

    Returns:
        What the function returns. What it raises is raised.

    Raises:
        KeyboardInterrupt: Ctrl-C came. The work was cancelled; if it has not ended within half a
            second its thread goes on, and the process must not wait for it.
    """
    try:
        return run_beside(function, cancel=cancel, grace_s=_GRACE_S)
    except KeyboardInterrupt:
        end_progress()
        raise
