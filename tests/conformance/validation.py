"""Frames that go to the vendor's client and to ours, which both take them or both refuse them."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
from arize.exceptions.base import ValidationFailure

from spanduck.exceptions import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TAKEN = "taken"
REFUSED = "refused"
CRASHED = "crashed"
"""What became of a frame; the last with an error that is about the client, not about the frame."""


@dataclass(frozen=True)
class Text:
    """A text of so many characters, made when it is needed."""

    length: int
    of: str = "x"


@dataclass(frozen=True)
class Case:
    """A frame and what becomes of it.

    Attributes:
        name: What is special about it.
        columns: Columns over those of a right frame of two rows; `...` for one that is left out. A
            list has the value of each row, anything else is the value of the second row.
        ours: What ours makes of it.
        vendor: What the vendor's makes of it, where that differs.
        reason: Why it differs.
    """

    name: str
    columns: dict[str, Any]
    ours: str
    vendor: str = ""
    reason: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert bool(self.vendor) == bool(self.reason), self.name
        assert self.vendor != self.ours, self.name

    def over(self, right: dict[str, list[Any]]) -> pd.DataFrame:
        """Return the frame, made from a right one."""
        columns: dict[str, Any] = dict(right)
        for name, given in self.columns.items():
            value = made(given)
            if value is ...:
                columns.pop(name, None)
            elif isinstance(value, list | pd.Series):
                columns[name] = value
            else:
                first = columns[name][0] if name in columns else None
                columns[name] = pd.Series([first, value], dtype=object)
        return pd.DataFrame(columns)


def taken(name: str, /, **columns: Any) -> Case:
    return Case(name, _named(columns), TAKEN)


def refused(name: str, /, **columns: Any) -> Case:
    return Case(name, _named(columns), REFUSED)


def differs(name: str, ours: str, vendor: str, reason: str, /, **columns: Any) -> Case:
    return Case(name, _named(columns), ours, vendor, reason)


def limits(column: str, most: int, *, fewest: int = 0) -> list[Case]:
    """Cases on both sides of the limits of a text."""
    cases = [
        Case(f"{column} {most:,}", {column: Text(most, "é")}, TAKEN),
        Case(f"{column} {most + 1:,}", {column: Text(most + 1, "é")}, REFUSED),
    ]
    if fewest:
        cases += [
            Case(f"{column} {fewest}", {column: Text(fewest)}, TAKEN),
            Case(f"{column} {fewest - 1}", {column: Text(fewest - 1)}, REFUSED),
        ]
    return cases


def made(value: Any) -> Any:
    """Return the value with its long texts written out."""
    if isinstance(value, Text):
        return value.of * value.length
    if isinstance(value, pd.Series):
        return pd.Series([made(inner) for inner in value], dtype=value.dtype)
    if isinstance(value, dict):
        return {key: made(inner) for key, inner in value.items()}
    return [made(inner) for inner in value] if type(value) is list else value


def _named(columns: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("__", "."): value for name, value in columns.items()}


def outcome(call: Callable[[], object]) -> tuple[str, str]:
    """Send a frame; returns what became of it, and what was said."""
    try:
        call()
    except (ValidationFailure, ValidationError) as exc:
        said = getattr(exc, "errors", None)
        return REFUSED, str([str(error) for error in said] if said else exc)
    except (TypeError, AttributeError, ValueError, KeyError) as exc:
        return CRASHED, repr(exc)
    return TAKEN, ""


def check(case: Case, vendor: Callable[[], object], ours: Callable[[], object]) -> None:
    """Send the frame of a case through both clients."""
    with _quiet():
        found, said = outcome(ours)
        vendor_found, vendor_said = outcome(vendor)
    assert found == case.ours, f"{case.name}: ours {found} it: {said}; vendor {vendor_found}"
    expected = case.vendor or case.ours
    assert vendor_found == expected, f"{case.name}: the vendor's {vendor_found} it: {vendor_said}"


@contextmanager
def _quiet() -> Iterator[None]:
    # Ours warn of what is not sent, the vendor's dependencies of themselves.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
