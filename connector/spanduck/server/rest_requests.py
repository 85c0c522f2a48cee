"""What REST calls ask for: pages, names and bodies."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final, TypeVar

from spanduck._wire import Pagination
from spanduck.server.errors import RequestError, UnprocessableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

_ItemT = TypeVar("_ItemT")

_DEFAULT_LIMIT: Final = 50
_MAX_LIMIT: Final = 100
_NAME_LIMIT: Final = 255


def name_filter(request: Request) -> str:
    """Return what names are to contain, in lower case.

    Raises:
        UnprocessableError: It is longer than any name.
    """
    name = request.query_params.get("name", "")
    if len(name) > _NAME_LIMIT:
        raise UnprocessableError(f"name is longer than {_NAME_LIMIT} characters")
    return name.lower()


def cut_page(request: Request, items: Sequence[_ItemT]) -> tuple[Sequence[_ItemT], Pagination]:
    """Cut the page out of `items` that `limit` and `cursor` ask for."""
    limit, start = _limit(request), _start(request)
    page = items[start : start + limit]
    end = start + limit
    if end >= len(items):
        return page, Pagination()
    return page, Pagination(has_more=True, next_cursor=_cursor(end))


def _limit(request: Request) -> int:
    text = request.query_params.get("limit")
    if text is None:
        return _DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MAX_LIMIT):
        raise UnprocessableError(f"limit is {text!r}, not a number from 1 to {_MAX_LIMIT}")
    return int(text)


def _cursor(start: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"start": start}).encode()).decode()


def _start(request: Request) -> int:
    text = request.query_params.get("cursor")
    if not text:
        return 0
    try:
        start = json.loads(base64.b64decode(text.encode(), altchars=b"-_", validate=True))["start"]
    except (ValueError, KeyError, TypeError):
        start = None
    if not isinstance(start, int) or start < 0:
        raise UnprocessableError(
            f"cursor is {text!r}, which no page named",
            next_step="Pass pagination.next_cursor back unchanged.",
        )
    return start


def json_object(body: bytes) -> dict[str, Any]:
    """Return a body's object.

    Raises:
        RequestError: It is none.
    """
    try:
        parsed = json.loads(body)
    except ValueError as exc:
        raise RequestError(f"the body is no JSON: {exc}") from exc
    if not isinstance(parsed, dict):
        raise RequestError("the body is no JSON object")
    return parsed


def required_text(body: dict[str, Any], key: str) -> str:
    """Return a member that is a text.

    Raises:
        UnprocessableError: It is none, or empty.
    """
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise UnprocessableError(f"{key} is {value!r}, not a text")
    return value
