"""Threads that work one behind the other, so that no more than a portion waits between them."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Stage:
    """A thread that does one job after the other, and makes whoever has the next one wait.

    Args:
        name: Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)
        self._job: Future[None] | None = None

    def start(self, job: Callable[[], None]) -> None:
        """Do a job as soon as the last one is done; raises what that raised."""
        self.wait()
        self._job = self._thread.submit(job)

    def wait(self) -> None:
        """Wait for the last job; raises what it raised."""
        job, self._job = self._job, None
        if job is not None:
            job.result()

    def close(self) -> None:
        """Wait for the job that is being done, and end the thread. Idempotent."""
        self._thread.shutdown(cancel_futures=True)
