"""REST bodies of spaces, projects and their pages.

Encoded are only the keys that every version of the vendor's SDK accepts: before 8.43 an unknown key
was an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from spanduck._wire.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Space:
    """A space.

    Attributes:
        id: Base64 of text with a colon.
        name: Unique only by convention: the service may have two of one name.
        description: May be empty.
        created_at: Aware UTC; None when the service does not say.
    """

    id: str
    name: str
    description: str = ""
    created_at: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "created_at": _time_text(self.created_at),
        }

    # `Any` here and below: JSON values as they came.
    @classmethod
    def from_dict(cls, item: Mapping[str, Any]) -> Space:
        """Read the JSON object; unknown keys are ignored.

        Raises:
            WireError: No id or name, or a value of a wrong type.
        """
        return cls(
            id=_text(item, "id", what="space"),
            name=_text(item, "name", what="space"),
            description=_optional_text(item, "description", what="space") or "",
            created_at=_time(item, "created_at", what="space"),
        )


@dataclass(frozen=True)
class Project:
    """A project.

    Attributes:
        id: Base64 of text with a colon.
        name: What Flight and uploads call it.
        space_id: The space it belongs to.
        created_at: Aware UTC; None when the service does not say.
    """

    id: str
    name: str
    space_id: str
    created_at: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "id": self.id,
            "name": self.name,
            "space_id": self.space_id,
            "created_at": _time_text(self.created_at),
        }

    @classmethod
    def from_dict(cls, item: Mapping[str, Any]) -> Project:
        """Read the JSON object; unknown keys are ignored.

        Raises:
            WireError: No id or name, or a value of a wrong type.
        """
        return cls(
            id=_text(item, "id", what="project"),
            name=_text(item, "name", what="project"),
            space_id=_optional_text(item, "space_id", what="project") or "",
            created_at=_time(item, "created_at", what="project"),
        )


@dataclass(frozen=True)
class Pagination:
    """How to go on after a page.

    Attributes:
        has_more: Whether there is another page.
        next_cursor: The cursor of that page, to be passed back unread; None on the last page.
    """

    has_more: bool = False
    next_cursor: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object; `next_cursor` is present only with a further page."""
        if self.next_cursor is None:
            return {"has_more": self.has_more}
        return {"has_more": self.has_more, "next_cursor": self.next_cursor}

    @classmethod
    def from_page(cls, page: Mapping[str, Any], *, what: str) -> Pagination:
        """Read the `pagination` of a page.

        Raises:
            WireError: The page has none.
        """
        pagination = page.get("pagination")
        if not isinstance(pagination, dict):
            raise WireError(f"the {what} has no pagination", what=what)
        cursor = _optional_text(pagination, "next_cursor", what=f"pagination of the {what}")
        # A further page is one that can be asked for: the vendor's SDK, too, goes by the cursor
        # alone.
        return cls(has_more=bool(cursor), next_cursor=cursor or None)


@dataclass(frozen=True)
class SpacesPage:
    """One page of `GET /v2/spaces`."""

    spaces: tuple[Space, ...]
    pagination: Pagination = Pagination()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "spaces": [space.to_dict() for space in self.spaces],
            "pagination": self.pagination.to_dict(),
        }

    @classmethod
    def from_dict(cls, page: Mapping[str, Any]) -> SpacesPage:
        """Read the JSON object.

        Raises:
            WireError: `spaces` or `pagination` is absent or malformed.
        """
        items = _items(page, "spaces")
        return cls(
            spaces=tuple(Space.from_dict(item) for item in items),
            pagination=Pagination.from_page(page, what="page of spaces"),
        )


@dataclass(frozen=True)
class ProjectsPage:
    """One page of `GET /v2/projects`."""

    projects: tuple[Project, ...]
    pagination: Pagination = Pagination()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "projects": [project.to_dict() for project in self.projects],
            "pagination": self.pagination.to_dict(),
        }

    @classmethod
    def from_dict(cls, page: Mapping[str, Any]) -> ProjectsPage:
        """Read the JSON object.

        Raises:
            WireError: `projects` or `pagination` is absent or malformed.
        """
        items = _items(page, "projects")
        return cls(
            projects=tuple(Project.from_dict(item) for item in items),
            pagination=Pagination.from_page(page, what="page of projects"),
        )


def _items(page: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    items = page.get(key)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise WireError(f"the page of {key} has no list of objects called {key}", what=key)
    return items


def _optional_text(item: Mapping[str, Any], key: str, *, what: str) -> str | None:
    value = item.get(key)
    if value is not None and not isinstance(value, str):
        raise WireError(f"the {key} of the {what} is {value!r}, not a text", what=key)
    return value


def _text(item: Mapping[str, Any], key: str, *, what: str) -> str:
    value = _optional_text(item, key, what=what)
    if value is None:
        raise WireError(f"the {what} has no {key}", what=key)
    return value


def _time(item: Mapping[str, Any], key: str, *, what: str) -> datetime | None:
    text = _optional_text(item, key, what=what)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise WireError(f"the {key} of the {what} is {text!r}, not a time", what=key) from exc
    return moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment.astimezone(UTC)


def _time_text(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
