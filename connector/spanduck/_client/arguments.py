"""Arguments that go by two names, the vendor's older one and its newer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spanduck.exceptions import ConfigError, ValidationError

if TYPE_CHECKING:
    from typing import Self


@dataclass(frozen=True)
class Place:
    """A project and its space, as a method of the client was given them.

    Attributes:
        project: Name or id.
        space: Name or id; None for that of the settings.
        is_space_id: The caller says that `space` is an id, which then travels as it is.
    """

    project: str
    space: str | None
    is_space_id: bool

    @classmethod
    def of(
        cls, project_name: str | None, project: str | None, space_id: str | None, space: str | None
    ) -> Self:
        """Return what the four arguments say together.

        Raises:
            ValidationError: No project is given.
            ConfigError: A project or a space is given twice, and not the same.
        """
        chosen = one_of("project_name", project_name, "project", project)
        if chosen is None or not chosen.strip():
            raise ValidationError("no project is given", next_step="Pass project_name=.")
        space_given = one_of("space_id", space_id, "space", space)
        return cls(chosen, space_given, is_space_id=bool(space_id))


def one_of(name: str, value: str | None, synonym: str, other: str | None) -> str | None:
    """Return the value of an argument that goes by two names; None when it has none.

    Raises:
        ConfigError: Both are given, and not the same.
    """
    if value is not None and other is not None and value != other:
        raise ConfigError(
            f"{name}={value!r} and {synonym}={other!r} are two names of one argument",
            next_step="Pass one of them.",
            setting=name,
        )
    return value if value is not None else other
