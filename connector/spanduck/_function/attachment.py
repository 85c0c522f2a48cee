"""What stands behind the table functions of one database: settings, transports, open scans."""

from __future__ import annotations

import sys
import threading
import weakref
from typing import TYPE_CHECKING, Final

from spanduck import exceptions
from spanduck._transport.flight import FlightTransport
from spanduck.exceptions import ConfigError, Error

if TYPE_CHECKING:
    from spanduck._config import Settings
    from spanduck._scan.stream import ScanStream
    from spanduck._transport.rest import RestTransport


class QueryError(Exception):
    """What the engine shows of an error of ours: its text names the class in brackets."""


class Attachment:
    """The settings and connections of the functions on one database.

    Args:
        settings: Resolved, with an address and a key.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.flight = FlightTransport(settings)
        self._rest: RestTransport | None = None
        self.last_error: Exception | None = None
        self._streams: weakref.WeakSet[ScanStream] = weakref.WeakSet()
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

    def opened(self, stream: ScanStream) -> ScanStream:
        """Note an open stream, so that `cancel` finds it."""
        with self._lock:
            self._streams.add(stream)
        return stream

    def cancel(self) -> int:
        """End every open scan, and return how many were."""
        with self._lock:
            streams = list(self._streams)
        open_streams = [stream for stream in streams if not stream.is_closed]
        for stream in open_streams:
            stream.cancel()
        return len(open_streams)

    def reported(self, exc: Exception) -> Exception:
        """Keep an error of ours as the last one, and return what the engine shall show of it."""
        if not isinstance(exc, Error):
            return exc
        # Without its frames, which would keep connections and batches alive.
        self.last_error = exc.with_traceback(None)
        return QueryError(f"[spanduck.{_public_name(exc)}] {exc}")

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
