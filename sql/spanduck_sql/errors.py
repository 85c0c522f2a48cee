"""The root of every error of ours, and the errors of the span filter language."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Error(Exception):
    """What every error of spanduck derives from; one `except spanduck.Error` catches all of them.

    Args:
        message: What failed, and on which value.
        next_step: What the reader can do about it. Printed after the message.

    Every further field of a subclass is optional and kept in `__dict__`, which is what makes these
    errors picklable: `BaseException` rebuilds from `args` and restores the rest.
    """

    def __init__(self, message: str = "", *, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step

    @property
    def message(self) -> str:
        """What failed, without the next step."""
        return str(self.args[0]) if self.args else ""

    def __str__(self) -> str:
        if not self.next_step:
            return self.message
        return f"{self.message.rstrip('.')}. {self.next_step}"


class FilterError(Error):
    """A text that is no valid span filter.

    Args:
        message: What is wrong with the text.
        next_step: What to write instead.
        text: The whole filter.
        position: Offset of the offending token in `text`, in code points, or None when unknown.
    """

    def __init__(
        self,
        message: str = "",
        *,
        next_step: str = "",
        text: str = "",
        position: int | None = None,
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.text = text
        self.position = position

    def __str__(self) -> str:
        said = super().__str__()
        if self.position is None:
            return said
        return f"{said}\n  {self.text}\n  {' ' * self.position}^"


def near_matches(name: str, known: Iterable[str], *, limit: int = 3) -> list[str]:
    """Return up to `limit` of `known` that resemble `name`, best first; case is ignored."""
    by_lower: dict[str, str] = {}
    for candidate in known:
        by_lower.setdefault(candidate.lower(), candidate)
    close = difflib.get_close_matches(name.lower(), list(by_lower), n=limit, cutoff=0.6)
    return [by_lower[lower] for lower in close]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``Did you mean 'a' or 'b'?`` for the near matches of `name`, or an empty text."""
    close = near_matches(name, known)
    return f"Did you mean {' or '.join(repr(match) for match in close)}?" if close else ""
