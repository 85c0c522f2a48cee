"""Listing spans: a page in one call, or page after page."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from spanduck._transport.retry import retrying
from spanduck._wire import (
    DEFAULT_LIST_LIMIT,
    LIST_COLUMNS_LIMIT,
    LIST_LIMIT,
    ListRequest,
    WireError,
    read_spans_page,
)
from spanduck.exceptions import FilterError, RejectedError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
        if not 1 <= self.limit <= LIST_LIMIT:
            raise ValidationError(
                f"limit is {self.limit}",
                next_step=f"A page has 1 to {LIST_LIMIT} spans; iter_pages takes the next ones.",
            )
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
            start_time=_in_utc(self.start_time),
            end_time=_in_utc(self.end_time),
            filter=self.filter,
            included_columns=None if included is None else tuple(included),
            excluded_columns=None if excluded is None else tuple(excluded),
            truncate_string_length=self.truncate_string_length,
        )


def list_page(rest: RestTransport, project_id: str, arguments: ListArguments) -> SpansPage:
    """List a page; one call, repeated as a read is.

    Raises:
        ValidationError: An argument is out of its range.
        FilterError: The service refuses the filter.
        ServiceError: The call failed.
    """
    arguments.check()
    query = {"limit": str(arguments.limit)}
    if arguments.cursor:
        query["cursor"] = arguments.cursor
    path = f"/v2/spans?{urlencode(query)}"
    body = json.dumps(arguments.request(project_id).to_dict()).encode()
    try:
        _, answer = retrying()(rest.send_json, "POST", path, body, what=_WHAT)
    except RejectedError as exc:
        # A bad cursor is refused the same way.
        if exc.status in (400, 422) and arguments.filter is not None and not arguments.cursor:
            raise FilterError(exc.message, text=arguments.filter) from exc
        raise
    try:
        return read_spans_page(answer)
    except WireError as exc:
        raise RejectedError(
            f"{_WHAT} failed: the answer cannot be read: {exc.message}",
            next_step="Check that api_host and api_port are those of the service.",
        ) from exc


def list_pages(
    rest: RestTransport, project_id: str, arguments: ListArguments
) -> Iterator[SpansPage]:
    """List page after page; one call for each, when it is asked for.

    Raises:
        RejectedError: The service repeats a cursor.
        ServiceError: A call failed, also in the midst.
    """
    seen: set[str] = set()
    while True:
        page = list_page(rest, project_id, arguments)
        yield page
        cursor = page.pagination.next_cursor
        if cursor is None:
            return
        if cursor in seen:
            raise RejectedError(f"{_WHAT} failed: the service repeats the cursor {cursor!r}")
        seen.add(cursor)
        arguments = replace(arguments, cursor=cursor)


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment.astimezone(UTC)
