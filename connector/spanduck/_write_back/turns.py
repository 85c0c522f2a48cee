"""One run of a model at a time: its state says what is on the way, and two would mix it up."""

from __future__ import annotations

import contextlib
import threading
import weakref
from typing import TYPE_CHECKING, Final

from spanduck.exceptions import CancelledError

if TYPE_CHECKING:
    from collections.abc import Iterator

_POLL_S: Final = 0.05


class _Turn:
    def __init__(self) -> None:
        self.lock = threading.Lock()


_guard = threading.Lock()
_turns: weakref.WeakValueDictionary[tuple[str, ...], _Turn] = weakref.WeakValueDictionary()


@contextlib.contextmanager
def turn(*names: str, stop: threading.Event) -> Iterator[None]:
    """Wait until no other thread of this process is inside with the same names.

    Args:
        *names: What tells a model from others: its name, its project.
        stop: Ends the wait.

    Raises:
        CancelledError: `stop` was set.
    """
    with _guard:
        mine = _turns.setdefault(names, _Turn())
    while not mine.lock.acquire(timeout=_POLL_S):
        if stop.is_set():
            raise CancelledError("the run was cancelled before its turn came")
    try:
        yield
    finally:
        mine.lock.release()
