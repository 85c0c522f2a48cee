"""Lists that come in pages: one of them in one call, or one after the other."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar
from urllib.parse import urlencode

from spanduck._rest_calls.times import aware
from spanduck._wire import DEFAULT_LIST_LIMIT, ListRequest, WireError
from spanduck.exceptions import FilterError, RejectedError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from spanduck._transport.rest import RestTransport
    from spanduck.types import PageInfo


class _Page(Protocol):
    @property
    def pagination(self) -> PageInfo: ...


PageT = TypeVar("PageT", bound=_Page)
_AnswerT = TypeVar("_AnswerT")


@dataclass(frozen=True)
class ListArguments(ABC, Generic[PageT]):
    """What is listed, whatever it is; names and meanings are those of the client's methods.

    A time without a zone is in UTC. `limit` is the most items of a page, `cursor` where it begins.
    """

    path: ClassVar[str]
    """Below the service's address."""
    what: ClassVar[str]
    """What is tried, for messages."""

    start_time: datetime | None = None
    end_time: datetime | None = None
    filter: str | None = None
    limit: int = DEFAULT_LIST_LIMIT
    cursor: str | None = None

    @abstractmethod
    def check(self) -> None:
        """Refuse what no service takes, before anything is sent.

        Raises:
            ValidationError: Says which argument and why.
        """

    @abstractmethod
    def read(self, answer: dict[str, Any]) -> PageT:
        """Return the page that an answer is.

        Raises:
            WireError: It is none.
        """

    def request(self, project_id: str) -> ListRequest:
        """Return the body of the call."""
        return ListRequest(
            project_id=project_id,
            start_time=aware(self.start_time),
            end_time=aware(self.end_time),
            filter=self.filter,
        )


def list_page(rest: RestTransport, project_id: str, arguments: ListArguments[PageT]) -> PageT:
    """List a page by a query in a body; one call, repeated as a read is.

    Raises:
        FilterError: The service refuses the filter.
        ServiceError: The call failed.
    """
    what, cursor = arguments.what, arguments.cursor
    request = arguments.request(project_id)
    query = {"limit": str(arguments.limit), **({"cursor": cursor} if cursor else {})}
    path = f"{arguments.path}?{urlencode(query)}"
    body = json.dumps(request.to_dict()).encode()
    try:
        _, answer = rest.retrying()(rest.send_json, "POST", path, body, what=what, is_read=True)
    except RejectedError as exc:
        # A bad cursor is refused the same way.
        if exc.status in (400, 422) and request.filter is not None and not cursor:
            raise FilterError(exc.message, text=request.filter) from exc
        raise
    return read_answer(arguments.read, answer, what=what)


def list_pages(
    rest: RestTransport, project_id: str, arguments: ListArguments[PageT]
) -> Iterator[PageT]:
    """List page after page; one call for each, when it is asked for.

    Raises:
        ServiceError: A call failed, also in the midst.
    """

    def page_at(cursor: str | None) -> PageT:
        return list_page(rest, project_id, replace(arguments, cursor=cursor))

    return walk(page_at, arguments.cursor, what=arguments.what)


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
    page_at: Callable[[str | None], PageT], cursor: str | None, *, what: str
) -> Iterator[PageT]:
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
