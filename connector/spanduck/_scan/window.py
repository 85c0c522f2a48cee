"""From the instants of a query to the whole seconds that travel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from spanduck_sql.schema import MAX_FUTURE_DAYS, MAX_PAST_DAYS

if TYPE_CHECKING:
    from spanduck_sql.pushdown import Window

_SECOND_US: Final = 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# What the wire's timestamps can say.
_FIRST_SECOND: Final = int((datetime(1, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
_LAST_SECOND: Final = int((datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH).total_seconds())


def sent_window(window: Window, now: datetime) -> tuple[datetime, datetime]:
    """Return what is sent for `window`: aware UTC, whole seconds, holding all of it.

    An open side is where no span can be: midnight 1,826 days before `now`, or 367 days after it,
    which is a day outside the limits of uploads.
    """
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start, end = window.start, window.end
    return (
        midnight - timedelta(days=MAX_PAST_DAYS + 1)
        if start is None
        else _moment(start // _SECOND_US),
        midnight + timedelta(days=MAX_FUTURE_DAYS + 2)
        if end is None
        else _moment(-(-end // _SECOND_US)),
    )


def _moment(second: int) -> datetime:
    return _EPOCH + timedelta(seconds=min(max(second, _FIRST_SECOND), _LAST_SECOND))


def microseconds(moment: datetime) -> int:
    """Return the microseconds since the epoch of an aware time."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
