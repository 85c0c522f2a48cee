"""What ends a run before its time: Ctrl-C, `spanduck.cancel`, an event that the caller sets."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import duckdb

from spanduck.exceptions import CancelledError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from spanduck._function.attachment import Attachment


_CANCELLED: Final = "the write-back was cancelled"


class Cancellation:
    """A run, as Ctrl-C and `spanduck.cancel` find it.

    The state of the run is not among what is interrupted: it must tell how the run ended.

    Args:
        stop: What the run looks at between its steps.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._interrupts: list[Callable[[], object]] = []
        self._attachment: Attachment | None = None
        self.is_closed = False

    def interrupts(self, interrupt: Callable[[], object]) -> None:
        """Note what ends a step that does not look; called from any thread, also when idle."""
        self._interrupts.append(interrupt)

    def cancel(self) -> None:
        """Make the run end soon. Idempotent, and called from another thread."""
        self._stop.set()
        for interrupt in list(self._interrupts):
            # A connection may be closed by now.
            with contextlib.suppress(duckdb.Error):
                interrupt()

    def cancel_all(self) -> None:
        """Make it end soon, and whatever else is read of its database: this may wait for it."""
        if self._attachment is None:
            self.cancel()
        else:
            self._attachment.cancel()

    @contextlib.contextmanager
    def found_by(self, attachment: Attachment | None) -> Iterator[None]:
        """Let `spanduck.cancel` find the run."""
        if attachment is not None:
            self._attachment = attachment
            attachment.opened(self)
        try:
            yield
        finally:
            self.is_closed = True


@contextlib.contextmanager
def told_as_cancelled(stop: threading.Event) -> Iterator[None]:
    """Tell whatever fails after `stop` was set as what it is.

    An engine that was interrupted says so in words of its own, a connection that was closed too.

    Raises:
        CancelledError: `stop` is set, and the block failed.
    """
    try:
        yield
    except Exception as exc:
        is_told = isinstance(exc, CancelledError) and exc.message.startswith(_CANCELLED)
        if is_told or not stop.is_set():
            raise
        raise CancelledError(
            _CANCELLED,
            next_step="Run it again: what was written is known, and is not sent twice.",
        ) from exc
