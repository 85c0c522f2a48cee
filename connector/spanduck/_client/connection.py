"""What every method of the client stands on: settings, transports, names, and their end."""

from __future__ import annotations

import contextlib
import threading
import weakref
from itertools import product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from spanduck import embedded
from spanduck._config import Settings, load_settings
from spanduck._progress import progress
from spanduck._scan import schema_cache
from spanduck._transport.flight import FlightTransport
from spanduck._transport.names import Names
from spanduck._transport.rest import RestTransport
from spanduck._wire import is_id
from spanduck.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import Self

    from spanduck._client.arguments import Place
    from spanduck._scan.stream import ScanStream

_SPANS: Final = "spans"


class Target(NamedTuple):
    """A project and its space as Flight and uploads call them."""

    project: str
    """Its name."""
    space: str
    """Its id."""


class Connection:
    """Transports of one service and the settings they have; `SpansClient` tells of the arguments.

    Nothing is opened before the first call; safe for concurrent calls.
    """

    # `Any`: settings have many types, and are checked where they are resolved.
    def __init__(
        self, *, settings: Settings | None = None, profile: str | None = None, **overrides: Any
    ) -> None:
        if settings is not None and (profile is not None or overrides):
            raise ConfigError(
                "settings are given, and others beside them",
                next_step="Pass either settings= or single settings by name.",
            )
        resolved = settings if settings is not None else load_settings(overrides, profile=profile)
        self.settings = embedded.ensure_default(resolved)
        self._lock = threading.Lock()
        self._is_closed = False
        self._rest = RestTransport(self.settings)
        self._flight = FlightTransport(self.settings)
        self._streams: weakref.WeakSet[ScanStream] = weakref.WeakSet()
        self._names = Names(self._rest, self.settings.service.space)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else self.settings.service.rest_url
        return f"<spanduck.SpansClient {state}>"

    def close(self) -> None:
        """Close every connection and cancel the open exports; may be called again.

        Calls that other threads have under way end with `CancelledError`, or with
        `OutcomeUnknownError` where the service may have done what it was sent.
        """
        with self._lock:
            self._is_closed = True
            streams = list(self._streams)
        for stream in streams:
            # Whoever still reads must learn that this is not the end.
            stream.cancel()
            stream.close()
        self._flight.close()
        self._rest.close()

    def _progress(self, total: int | None) -> AbstractContextManager[Callable[[str, int], None]]:
        return progress(unit=_SPANS, total=total, is_wanted=self.settings.local.progress)

    def _space(self, place: Place) -> str:
        if place.space and place.is_space_id:
            return place.space
        return self._names.space(place.space)

    def _target(self, place: Place) -> Target:
        return Target(self._names.project(place.project), self._space(place))

    def _project_id(self, place: Place) -> str:
        if is_id(place.project):
            return place.project
        return self._rest.resolve_project(place.project, self._space(place)).id

    @contextlib.contextmanager
    def _writing(self, place: Place) -> Iterator[Target]:
        """Look up where to write, and forget the project's columns after the block."""
        target = self._target(place)
        with self._forgetting_columns(place, target):
            yield target

    @contextlib.contextmanager
    def _forgetting_columns(self, place: Place, *others: Target) -> Iterator[None]:
        # Even a call that failed may have brought columns.
        try:
            yield
        finally:
            service, home = self.settings.service.flight_location, self.settings.local.home
            # Under every name that a query may have asked by.
            projects = {place.project, *(other.project for other in others)}
            spaces = {place.space, self.settings.service.space, *(other.space for other in others)}
            for project, space in product(projects, spaces - {None}):
                schema_cache.drop(service, str(space), project, home=home)
