"""Listing spans, page by page."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from spanduck._client.arguments import Place
from spanduck._client.connection import Connection
from spanduck._rest_calls.listing import SpansArguments, TracesArguments
from spanduck._rest_calls.pages import list_page, list_pages
from spanduck._wire import DEFAULT_LIST_LIMIT, LIST_LIMIT, TRACES_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from spanduck._rest_calls.pages import ListArguments, PageT
    from spanduck.types import Span, SpansPage, Trace, TracesPage


class Lists(Connection):
    """The client's lists."""

    def list(
        self,
        *,
        project: str | None = None,
        space: str | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        filter: str | None = None,  # noqa: A002 - the vendor's name
        included_columns: Sequence[str] | None = None,
        excluded_columns: Sequence[str] | None = None,
        truncate_string_length: int | None = None,
        limit: int = DEFAULT_LIST_LIMIT,
        cursor: str | None = None,
        project_name: str | None = None,
        space_id: str | None = None,
    ) -> SpansPage:
        """List spans, newest first: one page of them.

        One call, and before it one that looks up a project given by name. For many spans `export`
        is faster by far.

        Args:
            project: Name or id of the project.
            space: Name or id of the space, in which a project is looked up by its name.
            start_time: First start of a span that is wanted; seven days ago by default. A time
                without a zone is in UTC.
            end_time: Last start that is wanted, inclusive; now by default. Likewise.
            filter: In the service's language, evaluated there.
            included_columns: Only these columns, by full names such as
                `attributes.llm.model_name`, beside the fields that every span has. Unknown names
                are ignored.
            excluded_columns: All columns but these; not together with `included_columns`.
            truncate_string_length: Most characters of a text within `attributes`; a text that is
                cut ends in `…`.
            limit: Spans of a page, 1 to 500.
            cursor: `pagination.next_cursor` of the page before, with all other arguments but
                `limit` as they were.
            project_name: Same as `project`.
            space_id: Id of the space.

        Returns:
            The page. Iterating over it gives its spans; for further pages see `iter_pages`.

        Raises:
            ValidationError: An argument is out of its range. Nothing was sent.
            UnknownProjectError: No such project or space; near matches are named.
            FilterError: The filter is not valid.
            RejectedError: The cursor is of another list.
            UnavailableError: Nobody answers.
        """
        place = Place.of(project_name, project, space_id, space)
        arguments = SpansArguments(
            start_time=start_time,
            end_time=end_time,
            filter=filter,
            included_columns=included_columns,
            excluded_columns=excluded_columns,
            truncate_string_length=truncate_string_length,
            limit=limit,
            cursor=cursor,
        )
        return self._page(place, arguments)

    # `Any`: the arguments of `list`, under the same names.
    def iter_pages(self, **arguments: Any) -> Iterator[SpansPage]:
        """List spans page after page, newest first, until there are no more.

        Costs a call for each page, made when that page is asked for: 2,000 calls for a million
        spans, which `export` reads in one. Spans that arrive meanwhile neither repeat others nor
        hide them; the window is that of the first page.

        Args:
            **arguments: Those of `list`; `limit`, 50 by default, is the size of each page, and
                `cursor` where to begin.

        Returns:
            Pages; of no spans a single empty one.

        Raises:
            ServiceError: As `list`, also between pages.
        """
        place = _popped_place(arguments)
        return self._pages(place, SpansArguments(**arguments))

    def iter_spans(self, **arguments: Any) -> Iterator[Span]:
        """List spans one by one, newest first, until there are no more.

        As `iter_pages`, whose cost it has, with pages of 500 unless `limit` says otherwise.
        """
        return chain.from_iterable(self.iter_pages(**{"limit": LIST_LIMIT, **arguments}))

    def list_traces(
        self,
        *,
        project: str | None = None,
        space: str | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        filter: str | None = None,  # noqa: A002 - the vendor's name
        limit: int = TRACES_LIMIT,
        cursor: str | None = None,
        project_name: str | None = None,
        space_id: str | None = None,
    ) -> TracesPage:
        """List traces with their spans, newest root first: one page of them.

        One call, and before it one that looks up a project given by name. A trace is listed when
        its root span, one without a parent, starts in the window; of its spans those come along
        that start in the window, 1,000 of a trace at most and fewer when the page has many
        (`spans_truncated` says so).

        Args:
            project: Name or id of the project.
            space: Name or id of the space, in which a project is looked up by its name.
            start_time: First start of a span that is wanted; seven days ago by default. A time
                without a zone is in UTC.
            end_time: Last start that is wanted, inclusive; now by default. Likewise.
            filter: In the service's language, evaluated there: only traces of which some span
                matches, whether a root or not.
            limit: Traces of a page, 1 to 50.
            cursor: `pagination.next_cursor` of the page before, with all other arguments but
                `limit` as they were.
            project_name: Same as `project`.
            space_id: Id of the space.

        Returns:
            The page. Iterating over it gives its traces; for further pages see `iter_traces`.

        Raises:
            ValidationError: An argument is out of its range. Nothing was sent.
            UnknownProjectError: No such project or space; near matches are named.
            FilterError: The filter is not valid.
            RejectedError: The cursor is of another list.
            UnavailableError: Nobody answers.
        """
        place = Place.of(project_name, project, space_id, space)
        return self._page(place, TracesArguments(start_time, end_time, filter, limit, cursor))

    # `Any`: the arguments of `list_traces`, under the same names.
    def iter_traces(self, **arguments: Any) -> Iterator[Trace]:
        """List traces one by one, newest root first, until there are no more.

        Costs a call for each page, made when its first trace is asked for.

        Args:
            **arguments: Those of `list_traces`; `limit`, 50 by default, is the size of each page,
                and `cursor` where to begin.

        Returns:
            Traces.

        Raises:
            ServiceError: As `list_traces`, also between pages.
        """
        place = _popped_place(arguments)
        return chain.from_iterable(self._pages(place, TracesArguments(**arguments)))

    def _page(self, place: Place, arguments: ListArguments[PageT]) -> PageT:
        arguments.check()
        return list_page(self._rest, self._project_id(place), arguments)

    def _pages(self, place: Place, arguments: ListArguments[PageT]) -> Iterator[PageT]:
        arguments.check()
        return list_pages(self._rest, self._project_id(place), arguments)


# Taken out of the arguments of a list, where they are of another kind.
def _popped_place(arguments: dict[str, Any]) -> Place:
    names = ("project_name", "project", "space_id", "space")
    return Place.of(*(arguments.pop(name, None) for name in names))
