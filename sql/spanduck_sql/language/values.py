"""What counts as a number, a boolean or a time when it is written as text.

One rule each, for literals and for stored values alike. The patterns say the same to DuckDB, whose
own casts take more.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

WHITE_SPACE: Final = " \t\n\v\f\r"
"""What is trimmed around a number."""

_NUMBER: Final = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
NUMBER_PATTERN: Final = r"[\s\v]*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[\s\v]*"
"""A whole text that is a number, for DuckDB, where the classes have ASCII only."""

# No year 0: Python has none, and DuckDB takes it for 1 BC.
_YEAR: Final = r"(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_DATE: Final = rf"({_YEAR})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME: Final = r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]+))?)?"
_ZONE: Final = r"Z|([+-])(0[0-9]|1[0-5])(?::?([0-5][0-9]))?"
_TIMESTAMP: Final = rf"{_DATE}(?:[T ]{_TIME}(?:{_ZONE})?)?"
TIMESTAMP_PATTERN: Final = rf"\A{_TIMESTAMP}\z"
"""A date or a time in text, for DuckDB; a date may still be one that no calendar has."""

_number = re.compile(_NUMBER)
_timestamp = re.compile(_TIMESTAMP)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


def number_in(text: str) -> float | None:
    """Return the finite number that `text` is, white space around it aside; None for none."""
    trimmed = text.strip(WHITE_SPACE)
    if _number.fullmatch(trimmed) is None:
        return None
    value = float(trimmed)
    return value if math.isfinite(value) else None


def boolean_in(text: str) -> bool | None:
    """Return the boolean that `text` names, in any letter case; None for none."""
    return {"true": True, "false": False}.get(text.lower())


def microseconds_in(text: str) -> int | None:
    """Return the time that `text` is, in microseconds since the epoch; None for none.

    ISO 8601: a date, or a date and a time with `T` or one space between, seconds optional; a zone
    `Z`, `±HH`, `±HHMM` or `±HH:MM`, at most 15:59 from UTC, and UTC where there is none. Digits of
    the second beyond the sixth are dropped, which is what DuckDB does.
    """
    match = _timestamp.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, zone_hour, zone_minute = match.groups()
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    offset = 60 * int(zone_hour or 0) + int(zone_minute or 0)
    minutes = 60 * int(hour or 0) + int(minute or 0) - (-offset if sign == "-" else offset)
    seconds = 86_400 * days + 60 * minutes + int(second or 0)
    return 1_000_000 * seconds + int(f"{fraction or '':0<6}"[:6])


def timestamp_in(text: str) -> datetime | None:
    """Return the time that `text` is, in UTC; None for none, or outside the years 1 to 9999."""
    microseconds = microseconds_in(text)
    if microseconds is None:
        return None
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return None
