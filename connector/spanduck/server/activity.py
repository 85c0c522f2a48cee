"""What the server is doing right now: the base of the idle exit and of the status page."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Activity:
    """Counts calls and export streams under way. Safe for use by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = 0
        self._streams = 0
        self._last = time.monotonic()

    @contextmanager
    def call(self) -> Iterator[None]:
        """Count one call for as long as it runs."""
        with self._lock:
            self._calls += 1
            self._last = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1
                self._last = time.monotonic()

    def stream_opened(self) -> None:
        """Count an export stream; it stays counted until `stream_closed`."""
        with self._lock:
            self._streams += 1

    def stream_closed(self) -> None:
        """Stop counting a stream."""
        with self._lock:
            self._streams -= 1
            self._last = time.monotonic()

    @property
    def open_streams(self) -> int:
        """Export streams that were opened and neither ended nor were dropped."""
        with self._lock:
            return self._streams

    def idle_s(self) -> float:
        """Return for how long nothing has happened; 0 while a call or a stream is under way."""
        with self._lock:
            if self._calls or self._streams:
                return 0.0
            return time.monotonic() - self._last
