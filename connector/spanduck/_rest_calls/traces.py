"""Listing traces: a page in one call, or page after page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spanduck._rest_calls.pages import check_limit, query_page, walk
from spanduck._rest_calls.times import aware
from spanduck._wire import TRACES_LIMIT, ListRequest, read_traces_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from spanduck._transport.rest import RestTransport
    from spanduck.types import TracesPage

_WHAT = "the list of traces"


@dataclass(frozen=True)
class TracesArguments:
    """What is listed; names and meanings are those of `SpansClient.list_traces`."""

    start_time: datetime | None = None
    end_time: datetime | None = None
    filter: str | None = None
    limit: int = TRACES_LIMIT
    cursor: str | None = None

    def check(self) -> None:
        """Refuse what no service takes, before anything is sent.

        Raises:
            ValidationError: Says which argument and why.
        """
        check_limit(self.limit, TRACES_LIMIT, "traces", walker="iter_traces")


def list_traces_page(
    rest: RestTransport, project_id: str, arguments: TracesArguments
) -> TracesPage:
    """List a page; one call, repeated as a read is.

    Raises:
        FilterError: The service refuses the filter.
        ServiceError: The call failed.
    """
    request = ListRequest(
        project_id,
        start_time=aware(arguments.start_time),
        end_time=aware(arguments.end_time),
        filter=arguments.filter,
    )
    return query_page(
        rest,
        "/v2/traces",
        request,
        limit=arguments.limit,
        cursor=arguments.cursor,
        read=read_traces_page,
        what=_WHAT,
    )


def list_traces_pages(
    rest: RestTransport, project_id: str, arguments: TracesArguments
) -> Iterator[TracesPage]:
    """List page after page; one call for each, when it is asked for.

    Raises:
        ServiceError: A call failed, also in the midst.
    """

    def page_at(cursor: str | None) -> TracesPage:
        return list_traces_page(rest, project_id, replace(arguments, cursor=cursor))

    return walk(page_at, arguments.cursor, what=_WHAT)
