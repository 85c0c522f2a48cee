"""Members of the objects in an answer, with their types checked."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from spanduck._wire.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Mapping


# `Any` here and below: JSON values as they came.
def as_object(value: Any, what: str) -> dict[str, Any]:
    """Return an element of a list that is an object.

    Raises:
        WireError: It is none.
    """
    if not isinstance(value, dict):
        raise WireError(f"a {what} in the page is {_shown(value)}, not an object", what=what)
    return value


def list_of(page: Mapping[str, Any], key: str) -> list[Any]:
    """Return what a page lists.

    Raises:
        WireError: It lists nothing under that name.
    """
    items = page.get(key)
    if not isinstance(items, list):
        raise WireError(f"the page of {key} has no list called {key}", what=key)
    return items


def object_of(item: Mapping[str, Any], key: str, *, of: str = "span") -> dict[str, Any]:
    """Return a member that is an object; an empty one when it is absent or null.

    Raises:
        WireError: It is something else.
    """
    value = item.get(key) or {}
    if not isinstance(value, dict):
        raise WireError(f"{key} of a {of} is {_shown(value)}, not an object", what=key)
    return value


def items_of(item: Mapping[str, Any], key: str, *, of: str = "span") -> list[dict[str, Any]]:
    """Return a member that is a list of objects; an empty one when it is absent or null.

    Raises:
        WireError: It is something else.
    """
    value = item.get(key) or []
    if not isinstance(value, list):
        raise WireError(f"{key} of a {of} is {_shown(value)}, not a list", what=key)
    return [as_object(entry, key) for entry in value]


def text_of(item: Mapping[str, Any], key: str, *, of: str = "span") -> str | None:
    """Return a member that is a text; None when it is absent or null.

    Raises:
        WireError: It is something else.
    """
    value = item.get(key)
    if value is not None and not isinstance(value, str):
        raise WireError(f"{key} of a {of} is {_shown(value)}, not a text", what=key)
    return value


def required_text_of(item: Mapping[str, Any], key: str, *, of: str) -> str:
    """Return a member that is a text, and is there.

    Raises:
        WireError: It is absent, null, or something else.
    """
    value = text_of(item, key, of=of)
    if value is None:
        raise WireError(f"a {of} has no {key}", what=key)
    return value


def number_of(item: Mapping[str, Any], key: str, *, of: str = "span") -> float | None:
    """Return a member that is a number; None when it is absent or null.

    Raises:
        WireError: It is something else.
    """
    value = item.get(key)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise WireError(f"{key} of a {of} is {_shown(value)}, not a number", what=key)


def time_of(item: Mapping[str, Any], key: str, *, of: str = "span") -> datetime | None:
    """Return a member that is a time, in UTC; None when it is absent or null.

    Raises:
        WireError: It is something else.
    """
    text = text_of(item, key, of=of)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise WireError(f"{key} of a {of} is {_shown(text)}, not a time", what=key) from exc
    return moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment.astimezone(UTC)


def _shown(value: Any) -> str:
    return json.dumps(value)[:60]
