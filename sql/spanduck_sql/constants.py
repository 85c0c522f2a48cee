"""Constants in parsed SQL, as literals whose value DuckDB and we agree on."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlglot import exp

from spanduck_sql.expressions import TIMESTAMP_TZ, Literal

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_WITH_ZONE: Final = re.compile(
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d(?::?\d\d)?)", re.ASCII
)
_INTEGER: Final = re.compile(r"\d+", re.ASCII)
_INTEGER_TYPES: Final = frozenset({exp.DType.BIGINT, exp.DType.INT})
_TEXT_TYPES: Final = frozenset({exp.DType.TEXT, exp.DType.VARCHAR})
# DuckDB divides to make a DOUBLE of a DECIMAL; up to here both numbers are exact.
_MOST_DIGITS: Final = 15
_MOST_PLACES: Final = 22


def literal(node: exp.Expr) -> Literal | None:
    """Return a constant: BIGINT, DOUBLE, VARCHAR, BOOLEAN or a time with a zone; else None.

    NULL is none, nor is a time whose meaning the session's time zone decides, nor a decimal that
    the nearest double does not stand for in every comparison.
    """
    match node:
        case exp.Literal() if node.is_string:
            return Literal(node.this, "VARCHAR")
        case exp.Literal():
            return _number(node.this)
        case exp.Boolean():
            return Literal(bool(node.this), "BOOLEAN")
        case exp.Neg():
            return _negative(node.this)
        case exp.Paren():
            return literal(node.this)
        case exp.Cast():
            return _cast(node)
    return None


def number_type(value: Literal) -> str:
    """Return the type that values of one list or range share, all numbers being one."""
    return "DOUBLE" if value.type == "BIGINT" else value.type


def timestamp(text: str) -> Literal | None:
    """Return the instant that a text names with its zone; None without one."""
    if _TIME_WITH_ZONE.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        micros = (moment - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None
    return Literal(micros, TIMESTAMP_TZ)


def _number(text: str) -> Literal | None:
    if _INTEGER.fullmatch(text):
        return Literal(int(text), "BIGINT") if len(text) < 40 else None
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    is_decimal = "e" not in text.lower()
    return None if is_decimal and not _is_exact(text, value) else Literal(value, "DOUBLE")


def _is_exact(text: str, value: float) -> bool:
    whole, _, fraction = text.partition(".")
    digits = (whole + fraction).lstrip("0")
    if len(digits) > _MOST_DIGITS or len(fraction) > _MOST_PLACES:
        return False
    return Decimal(text) == Decimal(repr(value))


def _negative(node: exp.Expr) -> Literal | None:
    found = literal(node)
    if found is None or found.type not in ("BIGINT", "DOUBLE"):
        return None
    assert isinstance(found.value, int | float)  # noqa: S101 - narrows the type for mypy
    return Literal(-found.value, found.type)


def _cast(node: exp.Cast) -> Literal | None:
    inner, to = literal(node.this), node.to
    is_plain = isinstance(to, exp.DataType) and not to.expressions and not node.args.get("safe")
    if inner is None or not is_plain:
        return None
    match inner.type:
        case "VARCHAR" if to.this in _TEXT_TYPES:
            return inner
        case "VARCHAR" if to.this is exp.DType.TIMESTAMPTZ:
            return timestamp(str(inner.value))
        case "BIGINT" if to.this in _INTEGER_TYPES:
            return inner
        case "BIGINT" | "DOUBLE" if to.this is exp.DType.DOUBLE:
            return Literal(float(str(inner.value)), "DOUBLE")
        case "BOOLEAN" if to.this is exp.DType.BOOLEAN:
            return inner
    return None
