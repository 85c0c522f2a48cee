"""Names and ids of spaces and projects, looked up once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanduck._wire import is_id
from spanduck.exceptions import (
    AuthenticationError,
    ConfigError,
    ServiceError,
    UnknownProjectError,
)

if TYPE_CHECKING:
    from spanduck._transport.rest import RestTransport


class Names:
    """What Flight and uploads call a space and a project, for whatever the caller calls them.

    They go by the id of the space and the name of the project; whether the service takes the other
    of each is not known. Safe for concurrent calls: at worst a name is looked up twice.

    Args:
        rest: What looks up.
        default_space: Name or id of the space where none is given.
    """

    def __init__(self, rest: RestTransport, default_space: str | None) -> None:
        self._rest = rest
        self._default_space = default_space
        self._id_by_space: dict[str, str] = {}
        self._name_by_project: dict[str, str] = {}

    def space(self, given: str | None) -> str:
        """Return the id of a space; at most one call, and only for a name.

        Raises:
            ConfigError: None is given and none configured.
            UnknownProjectError: No such space; near matches are named.
            AuthenticationError: The key is wrong.
        """
        wanted = given or self._default_space
        if not wanted:
            raise ConfigError(
                "no space is given and none is configured",
                next_step="Pass space=, or set ARIZE_SPACE, or space under [service] in "
                "spanduck.toml.",
                setting="space",
                looked_in=("argument space", "environment ARIZE_SPACE", "spanduck.toml"),
            )
        if is_id(wanted):
            return wanted
        if wanted not in self._id_by_space:
            self._id_by_space[wanted] = self._looked_up(wanted)
        return self._id_by_space[wanted]

    def project(self, given: str) -> str:
        """Return the name of a project; at most one call, and only for an id."""
        if not is_id(given):
            return given
        if given not in self._name_by_project:
            try:
                name = self._rest.resolve_project(given).name
            except UnknownProjectError:
                # A name that happens to look like an id.
                name = given
            self._name_by_project[given] = name
        return self._name_by_project[given]

    def unknown_project(
        self, project: str, space_id: str, cause: ServiceError
    ) -> UnknownProjectError:
        """Return the error of a project that is not there; the space as the caller calls it."""
        called = (name for name, id_ in self._id_by_space.items() if id_ == space_id)
        return self._rest.unknown_project(project, next(called, space_id), cause=cause)

    def _looked_up(self, name: str) -> str:
        try:
            return self._rest.resolve_space(name).id
        except AuthenticationError:
            raise
        except ServiceError as exc:
            if isinstance(exc, UnknownProjectError) and exc.status is None:
                raise
            # A service without the look-up: some take a name where an id belongs.
            return name
