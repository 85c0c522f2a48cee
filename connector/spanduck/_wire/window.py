"""The window in a REST body: `start_time` and `end_time`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from spanduck._wire.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Mapping


def window_body(start_time: datetime | None, end_time: datetime | None) -> dict[str, str]:
    """Return the members of a body as the vendor's SDK sends them; a bound that is None is none."""
    bounds = {"start_time": start_time, "end_time": end_time}
    return {name: moment.isoformat() for name, moment in bounds.items() if moment is not None}


# `Any`: JSON values as they came.
def read_window(body: Mapping[str, Any]) -> dict[str, datetime | None]:
    """Return `start_time` and `end_time` in UTC, where a time without a zone is; None for none.

    Raises:
        WireError: One is no time.
    """
    return {name: _time(body.get(name), name) for name in ("start_time", "end_time")}


def _time(given: Any, name: str) -> datetime | None:
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
        return moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError) as exc:
        raise WireError(f"{name} is {given!r}, not a time in ISO 8601", what=name) from exc
