"""What stands behind the table functions of one database: settings, transports, open scans."""

from __future__ import annotations

import sys
import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from spanduck import exceptions
from spanduck._transport.flight import FlightTransport
from spanduck.exceptions import ConfigError, Error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from duckdb import DuckDBPyConnection

    from spanduck._config import Settings
    from spanduck._function.calls import Call
    from spanduck._function.source import Relation
    from spanduck._transport.rest import RestTransport

    Maker = Callable[["Attachment", Call, Callable[[], DuckDBPyConnection]], Relation]


class Cancellable(Protocol):
    """Work that `cancel` ends: a scan, or a write-back that a statement runs."""

    @property
    def is_closed(self) -> bool:
        """Whether it has ended."""

    def cancel(self) -> None:
        """Make it end soon, with an error. Idempotent, and called from another thread."""


CancellableT = TypeVar("CancellableT", bound=Cancellable)


class QueryError(Exception):
    """What the engine shows of an error of ours: its text names the class in brackets."""


class Attachment:
    """The settings and connections of the functions on one database.

    Args:
        settings: Resolved, with an address and a key.
        makers: Functions that layers above this one add, by name: each returns what a call stands
            for, given a way to a connection of the same database.
    """

    def __init__(self, settings: Settings, makers: Mapping[str, Maker] | None = None) -> None:
        self.settings = settings
        self.makers = dict(makers or {})
        self.flight = FlightTransport(settings)
        self._rest: RestTransport | None = None
        self.last_error: Exception | None = None
        # Of statements at the same time, the last error may be another one's.
        self._errors: deque[Exception] = deque(maxlen=_MOST_ERRORS)
        self._open: weakref.WeakSet[Cancellable] = weakref.WeakSet()
        self._said: dict[str, None] = {}
        self._refused: dict[str, None] = {}
        self._lock = threading.Lock()

    @property
    def rest(self) -> RestTransport:
        """The REST half; made at first use."""
        # Imported here: most statements need no REST, and httpx is slow to import.
        from spanduck._transport.rest import RestTransport  # noqa: PLC0415

        with self._lock:
            if self._rest is None:
                self._rest = RestTransport(self.settings)
            return self._rest

    def space(self, given: str | None) -> str:
        """Return the space of a call: the given one, else the configured one.

        Raises:
            ConfigError: There is neither.
        """
        space = given or self.settings.service.space
        if not space:
            raise ConfigError(
                "no space is given and none is configured",
                next_step="Pass space := '…', or set ARIZE_SPACE.",
                setting="space",
                looked_in=("argument space", "environment ARIZE_SPACE", "spanduck.toml"),
            )
        return space

    def opened(self, work: CancellableT) -> CancellableT:
        """Note an open scan or write-back, so that `cancel` finds it."""
        with self._lock:
            self._open.add(work)
        return work

    def cancel(self) -> int:
        """End every open scan and write-back, and return how many were."""
        with self._lock:
            works = list(self._open)
        open_works = [work for work in works if not work.is_closed]
        for work in open_works:
            work.cancel()
        return len(open_works)

    def reported(self, exc: Exception) -> Exception:
        """Keep an error of ours as the last one, and return what the engine shall show of it."""
        if not isinstance(exc, Error):
            return exc
        # Without its frames, which would keep connections and batches alive.
        self.last_error = exc.with_traceback(None)
        self._errors.append(self.last_error)
        return QueryError(f"[spanduck.{_public_name(exc)}] {exc}")

    def error_behind(self, shown: BaseException) -> Exception | None:
        """Return our own error behind what the engine raised, None where it is the engine's."""
        text = str(shown)
        return next((error for error in reversed(self._errors) if str(error) in text), None)

    def say(self, line: str) -> None:
        """Tell the user something on stderr."""
        sys.stderr.write(f"{line}\n")

    def say_once(self, line: str, *, about: str = "") -> None:
        """Tell the user something on stderr, unless it was told `about` the same before."""
        with self._lock:
            is_new = _noted(self._said, about or line)
        if is_new:
            self.say(line)

    def is_refused(self, filter_text: str) -> bool:
        """Whether the service has refused a filter that we generated."""
        with self._lock:
            return filter_text in self._refused

    def note_refused(self, filter_text: str, refusal: Error) -> None:
        """Remember a filter that the service refused, so that it is not tried again."""
        with self._lock:
            _noted(self._refused, filter_text)
        self.say_once(
            "spanduck: the service refused the filter made of a query's conditions; the spans are "
            f"filtered here, after they were read ({refusal.message})",
            about="refused",
        )

    def close(self) -> None:
        """End open scans and close the transports. Idempotent."""
        self.cancel()
        self.flight.close()
        with self._lock:
            rest, self._rest = self._rest, None
        if rest is not None:
            rest.close()


_MOST_ERRORS: Final = 32
# More texts than that are written by a program, and the first ones will not come again.
_MOST_NOTED: Final = 1_000


def _noted(texts: dict[str, None], text: str) -> bool:
    """Note `text` among the latest ones, and tell whether it is new."""
    if text in texts:
        return False
    if len(texts) >= _MOST_NOTED:
        del texts[next(iter(texts))]
    texts[text] = None
    return True


def _public_name(exc: Error) -> str:
    for cls in type(exc).__mro__:
        if cls.__name__ in exceptions.__all__:
            return cls.__name__
    return "Error"
