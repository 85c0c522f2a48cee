"""Lists that come in pages: one of them in one call, or one after the other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlencode

from spanduck._wire import WireError
from spanduck.exceptions import FilterError, RejectedError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spanduck._transport.rest import RestTransport
    from spanduck._wire import ListRequest
    from spanduck.types import PageInfo


class _Page(Protocol):
    @property
    def pagination(self) -> PageInfo: ...


_PageT = TypeVar("_PageT", bound=_Page)
_AnswerT = TypeVar("_AnswerT")


def query_page(
    rest: RestTransport,
    path: str,
    request: ListRequest,
    *,
    limit: int,
    cursor: str | None,
    read: Callable[[dict[str, Any]], _PageT],
    what: str,
) -> _PageT:
    """Ask for a page by a query in a body; one call, repeated as a read is.

    Args:
        rest: Sends the call.
        path: Below the service's address.
        request: What is listed.
        limit: Most items of the page.
        cursor: Where it begins; None for the first page.
        read: Makes the page of the answer.
        what: What is tried, for messages.

    Raises:
        FilterError: The service refuses the filter.
        ServiceError: The call failed.
    """
    query = {"limit": str(limit), **({"cursor": cursor} if cursor else {})}
    body = json.dumps(request.to_dict()).encode()
    try:
        _, answer = rest.retrying()(
            rest.send_json, "POST", f"{path}?{urlencode(query)}", body, what=what, is_read=True
        )
    except RejectedError as exc:
        # A bad cursor is refused the same way.
        if exc.status in (400, 422) and request.filter is not None and not cursor:
            raise FilterError(exc.message, text=request.filter) from exc
        raise
    return read_answer(read, answer, what=what)


def read_answer(
    read: Callable[[dict[str, Any]], _AnswerT], answer: dict[str, Any], *, what: str
) -> _AnswerT:
    """Return what an answer says.

    Raises:
        RejectedError: It is none of this kind.
    """
    try:
        return read(answer)
    except WireError as exc:
        raise RejectedError(
            f"{what} failed: the answer cannot be read: {exc.message}",
            next_step="Check that api_host and api_port are those of the service.",
        ) from exc


def walk(
    page_at: Callable[[str | None], _PageT], cursor: str | None, *, what: str
) -> Iterator[_PageT]:
    """List page after page; one call for each, when it is asked for.

    Raises:
        RejectedError: The service repeats a cursor.
        ServiceError: A call failed, also in the midst.
    """
    seen: set[str] = set()
    while True:
        page = page_at(cursor)
        yield page
        cursor = page.pagination.next_cursor
        if cursor is None:
            return
        if cursor in seen:
            raise RejectedError(f"{what} failed: the service repeats the cursor {cursor!r}")
        seen.add(cursor)


def check_limit(limit: Any, most: int, items: str, *, walker: str) -> None:
    """Refuse a page of a size that the service does not make.

    Args:
        limit: As it was given.
        most: Most items of a page.
        items: What they are.
        walker: The method that lists further pages.

    Raises:
        ValidationError: It is no such number.
    """
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= most:
        raise ValidationError(
            f"limit is {limit!r}",
            next_step=f"A page has 1 to {most} {items}; {walker} takes the next ones.",
        )
