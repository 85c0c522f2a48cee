"""How many values may go wrong before a run is stopped: a number, or a share of them."""

from __future__ import annotations

import re
from typing import Final

from spanduck.exceptions import ValidationError

Limit = int | float
"""A whole number is a count of values; a float from 0.0 to 1.0 is a share of them."""

_NUMBER: Final = re.compile(r"\d+")
_SHARE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_HOW: Final = 'Give a count such as 10, or a share such as "5%".'


def parse_limit(given: object) -> Limit:
    """Read a limit: `10`, `"10"`, `"5%"` or `0.05`.

    Raises:
        ValidationError: It is none of these.
    """
    if isinstance(given, str):
        return _of_text(given)
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValidationError(f"{given!r} is no limit", next_step=_HOW)
    # `not`: NaN is no share either.
    if given < 0 or (isinstance(given, float) and not given <= 1):
        raise ValidationError(f"{given!r} is no limit", next_step=_HOW)
    return given


def is_over(limit: Limit | None, number: int, of: int) -> bool:
    """Tell whether `number` of `of` values are more than a limit allows; None allows all."""
    if limit is None:
        return False
    return number > limit * of if isinstance(limit, float) else number > limit


def _of_text(text: str) -> Limit:
    bare = text.strip()
    if _NUMBER.fullmatch(bare):
        return int(bare)
    share = _SHARE.fullmatch(bare)
    if share is None or float(share[1]) > 100:
        raise ValidationError(f"{text!r} is no limit", next_step=_HOW)
    return float(share[1]) / 100
