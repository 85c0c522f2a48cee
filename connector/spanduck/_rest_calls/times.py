"""Times of a call, with a zone."""

from __future__ import annotations

from datetime import UTC, datetime


def aware(moment: datetime | None) -> datetime | None:
    """Return a time that says its zone: UTC where it has none.

    The vendor's SDK sends a time without a zone as it is, and the service's reading of that is not
    known; said or unsaid, UTC is what the embedded server takes it for.
    """
    if moment is None or moment.utcoffset() is not None:
        return moment
    return moment.replace(tzinfo=UTC)
