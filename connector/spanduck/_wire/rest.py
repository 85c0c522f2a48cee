"""REST bodies of spaces, projects and their pages.

Encoded are only the keys that every version of the vendor's SDK accepts: before 8.43 an unknown key
was an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from spanduck._wire import members
from spanduck._wire.errors import WireError
from spanduck.types import PageInfo

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
            id=members.required_text_of(item, "id", of="space"),
            name=members.required_text_of(item, "name", of="space"),
            description=members.text_of(item, "description", of="space") or "",
            created_at=members.time_of(item, "created_at", of="space"),
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
            id=members.required_text_of(item, "id", of="project"),
            name=members.required_text_of(item, "name", of="project"),
            space_id=members.text_of(item, "space_id", of="project") or "",
            created_at=members.time_of(item, "created_at", of="project"),
        )


@dataclass(frozen=True)
class Pagination(PageInfo):
    """How to go on after a page: a `PageInfo` with its JSON form."""

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
        cursor = members.text_of(pagination, "next_cursor", of=f"pagination of the {what}")
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
        items = members.list_of(page, "spaces")
        return cls(
            spaces=tuple(Space.from_dict(members.as_object(item, "space")) for item in items),
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
        items = members.list_of(page, "projects")
        return cls(
            projects=tuple(Project.from_dict(members.as_object(item, "project")) for item in items),
            pagination=Pagination.from_page(page, what="page of projects"),
        )


def _time_text(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
