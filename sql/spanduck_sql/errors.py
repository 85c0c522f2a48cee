"""The root of every error of ours, and the errors of the span filter language."""

from __future__ import annotations

import difflib
from enum import StrEnum
from typing import TYPE_CHECKING, Final

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


class FilterErrorCode(StrEnum):
    """What kind of mistake a filter has; stable, for programs."""

    EMPTY = "empty"
    """Nothing but white space."""
    SYNTAX = "syntax"
    """A token or the structure."""
    LITERAL_EXPECTED = "literal_expected"
    """Something else stands where a value belongs."""
    UNKNOWN_FIELD = "unknown_field"
    """No field of that name can exist."""
    TYPE_MISMATCH = "type_mismatch"
    """A value or an operator that does not fit the field."""
    NULL_IN_LIST = "null_in_list"
    """NULL among the values of IN."""
    NULL_COMPARE = "null_compare"
    """NULL where only a value can be compared."""


class FilterError(Error, ValueError):
    """A text that is no valid span filter.

    Args:
        message: What is wrong with the text.
        next_step: What to write instead.
        text: The whole filter.
        code: The kind of mistake; None when the service found it, in words of its own.
        position: Offset of the offending token in `text`, in code points from 0; None when unknown.
        end: Offset of the first code point after the token; one after `position` by default.
    """

    def __init__(
        self,
        message: str = "",
        *,
        next_step: str = "",
        text: str = "",
        code: FilterErrorCode | None = None,
        position: int | None = None,
        end: int | None = None,
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.text = text
        self.code = code
        self.position = position
        self.end = position + 1 if end is None and position is not None else end

    @property
    def hint(self) -> str:
        """What to write instead; the next step by its name in the language's own reports."""
        return self.next_step

    def __str__(self) -> str:
        if self.code is None and self.position is None:
            return super().__str__()
        mark = "" if self.code is None else f"[{self.code}] "
        if self.position is None:
            lines = [f"{mark}{self.message}"]
        else:
            shown, column, caret = _excerpt(self.text, self.position, self.end or 0)
            lines = [f"{mark}{self.message} (col {column})", f"  {shown}", f"  {caret}"]
        if self.next_step:
            lines.append(f"  hint: {self.next_step}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, str | int | None]:
        """Return the fields as plain values, for JSON."""
        return {
            "code": self.code,
            "message": self.message,
            "position": self.position,
            "end": self.end,
            "hint": self.next_step or None,
        }


# Room on both sides of a token in a line too long to show.
_EXCERPT_MARGIN: Final = 60


def _excerpt(text: str, position: int, end: int) -> tuple[str, int, str]:
    """Return the line of `text` that holds `position`, the column from 1, and carets under it."""
    first = text.rfind("\n", 0, position) + 1
    last = text.find("\n", position)
    last = len(text) if last < 0 else last
    column = position - first + 1
    end = max(min(end, last), position + 1)
    left, right = max(first, position - _EXCERPT_MARGIN), min(last, end + _EXCERPT_MARGIN)
    if right - left > 4 * _EXCERPT_MARGIN:
        right = end = position + 2 * _EXCERPT_MARGIN
    before = "…" if left > first else ""
    after = "…" if right < last else ""
    # Tabs stay, so that the caret stands where the token does; other controls would move it.
    line = "".join(
        " " if char != "\t" and not char.isprintable() else char for char in text[left:right]
    )
    pad = " " * len(before) + "".join("\t" if c == "\t" else " " for c in text[left:position])
    return f"{before}{line}{after}", column, pad + "^" * (end - position)


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
