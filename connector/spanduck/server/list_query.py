"""What a call of a list asks for: its body, `limit` and `cursor`, checked and put together.

A cursor names the last item of a page by what lists are ordered by, not by its place, so that spans
which come or go meanwhile neither repeat others nor hide them. It holds the window, too: without
bounds that of the first page is the one of all.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from spanduck._wire import (
    DEFAULT_LIST_LIMIT,
    DEFAULT_TRACES_LIMIT,
    LIST_COLUMNS_LIMIT,
    LIST_LIMIT,
    TRACES_LIMIT,
    ListRequest,
)
from spanduck.server.errors import RequestError, UnprocessableError

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT_WINDOW: Final = timedelta(days=7)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ENDLESS: Final = 2**63 - 1
_CHECK_BYTES: Final = 9


class Key(NamedTuple):
    """What lists are ordered by: the newest first, then by trace and span id.

    Attributes:
        start: Start in nanoseconds since 1970.
        trace: Id of the trace; empty without one.
        span: Id of the span.
    """

    start: int
    trace: str
    span: str


@dataclass(frozen=True)
class ListQuery:
    """One page of a list.

    Attributes:
        request: The body.
        start_ns: First start that is wanted, in nanoseconds since 1970.
        end_ns: First start after that is not.
        limit: Most items of the page.
        after: The last item of the page before; None for the first page.
    """

    request: ListRequest
    start_ns: int
    end_ns: int
    limit: int
    after: Key | None

    def cursor(self, last: Key) -> str:
        """Return the cursor of the page after an item."""
        state = [*last, self.start_ns, self.end_ns, _digest(self.request)]
        content = json.dumps(state, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(_check(content) + content).decode().rstrip("=")


def read_spans_query(body: bytes, parameters: Mapping[str, str]) -> ListQuery:
    """Read a call of `POST /v2/spans`.

    Raises:
        WireError: The body is malformed.
        RequestError: The cursor is none, or of another list.
        UnprocessableError: A value is out of its range.
    """
    return _query(body, parameters, default=DEFAULT_LIST_LIMIT, most=LIST_LIMIT)


def read_traces_query(body: bytes, parameters: Mapping[str, str]) -> ListQuery:
    """Read a call of `POST /v2/traces`; raises what `read_spans_query` does."""
    return _query(body, parameters, default=DEFAULT_TRACES_LIMIT, most=TRACES_LIMIT)


def _query(body: bytes, parameters: Mapping[str, str], *, default: int, most: int) -> ListQuery:
    request = ListRequest.from_json(body)
    limit = _limit(parameters.get("limit"), default=default, most=most)
    _check_columns(request)
    if request.filter is not None and not request.filter.strip():
        raise UnprocessableError(
            "filter is empty", next_step="Leave it out where every span is wanted."
        )
    if request.truncate_string_length is not None and request.truncate_string_length < 1:
        raise UnprocessableError(
            f"truncate_string_length is {request.truncate_string_length}, not 1 or more"
        )
    start, end = request.start_time, request.end_time
    if start is not None and end is not None and start > end:
        raise UnprocessableError(
            f"start_time {start.isoformat()} is after end_time {end.isoformat()}"
        )
    cursor = parameters.get("cursor")
    if cursor:
        after, start_ns, end_ns = _read_cursor(cursor, request)
        return ListQuery(request, start_ns, end_ns, limit, after)
    now = datetime.now(UTC)
    start_ns = _nanoseconds(start if start is not None else now - _DEFAULT_WINDOW)
    # The end is included, and answers tell times in microseconds: all of that one.
    end_ns = _nanoseconds(end if end is not None else now) + 1_000
    return ListQuery(request, start_ns, min(end_ns, _ENDLESS), limit, None)


def _limit(text: str | None, *, default: int, most: int) -> int:
    if text is None:
        return default
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    if not (is_number and 1 <= int(text) <= most):
        raise UnprocessableError(f"limit is {text[:40]!r}, not a number from 1 to {most}")
    return int(text)


def _check_columns(request: ListRequest) -> None:
    included, excluded = request.included_columns, request.excluded_columns
    if included is not None and excluded is not None:
        raise UnprocessableError("included_columns and excluded_columns exclude each other")
    for name, columns in (("included_columns", included), ("excluded_columns", excluded)):
        if columns is None:
            continue
        if not 1 <= len(columns) <= LIST_COLUMNS_LIMIT:
            raise UnprocessableError(
                f"{name} has {len(columns):,} names, not 1 to {LIST_COLUMNS_LIMIT:,}"
            )
        if "" in columns:
            raise UnprocessableError(f"{name} holds an empty name")


def _nanoseconds(moment: datetime) -> int:
    nanoseconds = (moment - _EPOCH) // _MICROSECOND * 1_000
    return max(-_ENDLESS, min(_ENDLESS, nanoseconds))


def _digest(request: ListRequest) -> str:
    """Return what a cursor is bound to: everything but how long texts may be."""
    bound = request.to_dict() | {"truncate_string_length": None}
    for name in ("included_columns", "excluded_columns"):
        if name in bound:
            bound[name] = sorted(set(bound[name]))
    text = json.dumps(bound, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _check(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:_CHECK_BYTES]


def _read_cursor(text: str, request: ListRequest) -> tuple[Key, int, int]:
    state = _cursor_state(text)
    if state is None:
        raise RequestError(
            f"cursor is {text[:80]!r}, which no page named",
            next_step="Pass pagination.next_cursor back unchanged.",
        )
    *key, start_ns, end_ns, digest = state
    if digest != _digest(request):
        raise RequestError(
            "cursor is of another list",
            next_step="Repeat project, filter, columns and window of the page that named it;"
            " only limit may change.",
        )
    return Key(*key), start_ns, end_ns


# `Any`: what stood in the JSON; its check tells that it is ours.
def _cursor_state(text: str) -> list[Any] | None:
    try:
        encoded = text.encode("ascii")
        raw = base64.b64decode(encoded + b"=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        if base64.urlsafe_b64encode(raw).rstrip(b"=") != encoded:
            return None
        content = raw[_CHECK_BYTES:]
        if raw[:_CHECK_BYTES] != _check(content):
            return None
        state: object = json.loads(content)
    except (ValueError, RecursionError):
        return None
    types = (int, str, str, int, int, str)
    if not isinstance(state, list) or len(state) != len(types):
        return None
    return state if all(map(isinstance, state, types)) else None
