"""Stored JSON documents, read in Python as DuckDB reads them.

DuckDB takes more than the standard (NaN, infinities, a comma at the end) and writes numbers its own
way; of two equal keys it takes the first. A document that neither reads is None.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class _Number(str):
    """A number, as DuckDB writes it."""

    __slots__ = ()


class _Object(tuple[tuple[str, object], ...]):
    """The members of an object, equal keys included."""

    __slots__ = ()


def texts_in(document: str, key_paths: Iterable[tuple[str, ...]]) -> str | None:
    """Return the text of the first of `key_paths` that leads to a value in a JSON document.

    A text is itself, an object or a list is JSON text without spaces; null is no value.
    """
    root = _root(document)
    for keys in key_paths:
        value = root
        for key in keys:
            value = _member(value, key)
        if value is not None:
            return value if isinstance(value, str) else _written(value)
    return None


def _member(value: object, key: str) -> object:
    if isinstance(value, _Object):
        return next((member for name, member in value if name == key), None)
    if isinstance(value, list) and _POSITION.fullmatch(key):
        position = int(key[:18])
        return value[position] if position < len(value) else None
    return None


def written_text(value: str) -> str:
    """Return a text as JSON."""
    return json.dumps(value, ensure_ascii=False)


def _written(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case _Number():
            return str(value)
        case str():
            return written_text(value)
        case _Object():
            members = (f"{written_text(name)}:{_written(member)}" for name, member in value)
            return "{" + ",".join(members) + "}"
        case list():
            return "[" + ",".join(map(_written, value)) + "]"
    raise TypeError(f"{type(value).__name__} is no JSON")


def _object(members: list[tuple[str, object]]) -> _Object:
    return _Object(members)


def _integer(text: str) -> _Number:
    return _Number("0" if text == "-0" else text)


def _double(text: str) -> _Number:
    value = float(text)
    if math.isinf(value):
        return _Number(text)
    sign = "-" if math.copysign(1, value) < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    return _Number(sign + _placed(digits.rstrip("0"), point))


def _placed(digits: str, point: int) -> str:
    """Write 0.`digits` times ten to the power of `point`."""
    if not digits:
        return "0.0"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    if 0 < point <= 21:
        whole = digits[:point].ljust(point, "0")
        return f"{whole}.{digits[point:] or '0'}"
    fraction = f".{digits[1:]}" if digits[1:] else ""
    return f"{digits[0]}{fraction}e{point - 1}"


_POSITION: Final = re.compile("0|[1-9][0-9]*")
_TOKEN: Final = re.compile(
    r"""
    "(?:[^"\\]|\\.)*"
    | (?P<open> [\[{] \s* , )
    | (?P<comma> , ) (?= \s* [\]}] )
    | (?P<constant> -? (?:nan|inf(?:inity)?) ) \b
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def _root(document: str) -> object:
    try:
        root = _decoder(_Number).decode(document)
    except (ValueError, RecursionError):
        root = _lenient(document)
    if "\\u" in document:
        try:
            _written(root).encode()
        except UnicodeEncodeError:  # half of a surrogate pair
            return None
    return root


def _decoder(constant: Callable[[str], _Number]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_object, parse_int=_integer, parse_float=_double, parse_constant=constant
    )


def _lenient(document: str) -> object:
    """Read what DuckDB takes beyond the standard; None for no document."""
    constants: list[str] = []

    def standard(match: re.Match[str]) -> str:
        if match["constant"]:
            constants.append(match[0])
            return "NaN"
        if match["open"]:
            return "?"  # makes it no document: a comma after nothing
        return "" if match["comma"] else match[0]

    text = _TOKEN.sub(standard, document)
    spelled = iter(constants)
    try:
        return _decoder(lambda _: _Number(next(spelled))).decode(text)
    except (ValueError, RecursionError):
        return None
