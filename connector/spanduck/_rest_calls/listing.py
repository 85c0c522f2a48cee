"""Listing spans: a page in one call, or page after page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spanduck._rest_calls.pages import check_limit, query_page, walk
from spanduck._rest_calls.times import aware
from spanduck._wire import (
    DEFAULT_LIST_LIMIT,
    LIST_COLUMNS_LIMIT,
    LIST_LIMIT,
    ListRequest,
    read_spans_page,
)
from spanduck.exceptions import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from spanduck._transport.rest import RestTransport
    from spanduck.types import SpansPage

_WHAT = "the list of spans"


@dataclass(frozen=True)
class ListArguments:
    """What is listed; names and meanings are those of `SpansClient.list`."""

    start_time: datetime | None = None
    end_time: datetime | None = None
    filter: str | None = None
    included_columns: Sequence[str] | None = None
    excluded_columns: Sequence[str] | None = None
    truncate_string_length: int | None = None
    limit: int = DEFAULT_LIST_LIMIT
    cursor: str | None = None

    def check(self) -> None:
        """Refuse what no service takes, before anything is sent.

        Raises:
            ValidationError: Says which argument and why.
        """
        check_limit(self.limit, LIST_LIMIT, "spans", walker="iter_pages")
        if self.truncate_string_length is not None and self.truncate_string_length < 1:
            raise ValidationError(
                f"truncate_string_length is {self.truncate_string_length}",
                next_step="Give 1 or more, or leave it out.",
            )
        if self.included_columns is not None and self.excluded_columns is not None:
            raise ValidationError(
                "included_columns and excluded_columns exclude each other",
                next_step="Pass one of them.",
            )
        for name in ("included_columns", "excluded_columns"):
            columns = getattr(self, name)
            if columns is not None and (isinstance(columns, str) or not all(columns)):
                raise ValidationError(f"{name} is {columns!r}, not a list of column names")
            if columns is not None and not 1 <= len(columns) <= LIST_COLUMNS_LIMIT:
                raise ValidationError(
                    f"{name} has {len(columns):,} names", next_step="Give 1 to 1,000, or none."
                )

    def request(self, project_id: str) -> ListRequest:
        """Return the body of the call."""
        included, excluded = self.included_columns, self.excluded_columns
        return ListRequest(
            project_id=project_id,
            start_time=aware(self.start_time),
            end_time=aware(self.end_time),
            filter=self.filter,
            included_columns=None if included is None else tuple(included),
            excluded_columns=None if excluded is None else tuple(excluded),
            truncate_string_length=self.truncate_string_length,
        )


def list_page(rest: RestTransport, project_id: str, arguments: ListArguments) -> SpansPage:
    """List a page; one call, repeated as a read is.

    Raises:
        FilterError: The service refuses the filter.
        ServiceError: The call failed.
    """
    return query_page(
        rest,
        "/v2/spans",
        arguments.request(project_id),
        limit=arguments.limit,
        cursor=arguments.cursor,
        read=read_spans_page,
        what=_WHAT,
    )


def list_pages(
    rest: RestTransport, project_id: str, arguments: ListArguments
) -> Iterator[SpansPage]:
    """List page after page; one call for each, when it is asked for.

    Raises:
        ServiceError: A call failed, also in the midst.
    """

    def page_at(cursor: str | None) -> SpansPage:
        return list_page(rest, project_id, replace(arguments, cursor=cursor))

    return walk(page_at, arguments.cursor, what=_WHAT)
