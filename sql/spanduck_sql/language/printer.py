"""Tree to text, in the normal form, and the only places that quote a name, a text or a number."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple

from spanduck_sql.expressions import (
    AlwaysTrue,
    Between,
    Compare,
    Contains,
    In,
    IsNull,
    Like,
    Literal,
    Opaque,
    Predicate,
)
from spanduck_sql.language.fields import canonical_name
from spanduck_sql.language.tokens import is_keyword
from spanduck_sql.visitors import Visitor, fold

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLAIN_PATH: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
# From here on Python's shortest text has an exponent; below, a whole number would end in `.0`.
_EXPONENT_FROM: Final = 10**16


def to_text(predicate: Predicate) -> str:
    """Return the filter that `parse` reads as `predicate`, in the normal form.

    Upper-case operators, one space, parentheses where the precedence needs them only, names quoted
    whole where any part needs it. Takes time in proportion to the text, of whatever depth; the
    limits of the language, `MAX_TEXT` and `MAX_NESTING`, are for who reads it.

    Raises:
        ValueError: For what has no text: `Opaque`, `AlwaysTrue`, an empty name, a literal of
            another type than VARCHAR, DOUBLE and BOOLEAN, a number that is not finite, and half of
            a surrogate pair.

    Example:
        >>> from spanduck_sql.language.parser import parse
        >>> to_text(parse("not (name like 'a%' or latency_ms>1e3) and span.parent_id=null"))
        "NOT (name LIKE 'a%' OR latency_ms > 1000) AND parent_id IS NULL"
    """
    text = fold(predicate, _Printer()).text
    if not text.isascii():
        text.encode()
    return text


def identifier(name: str) -> str:
    """Return a name as a filter says it.

    Example:
        >>> identifier("eval.Quality.label"), identifier("eval.A & B.label"), identifier("tag.in")
        ('eval.Quality.label', '"eval.A & B.label"', '"tag.in"')
    """
    if not name:
        raise ValueError("a name must not be empty")
    if _PLAIN_PATH.fullmatch(name) and not any(map(is_keyword, name.split("."))):
        return name
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def string(text: str) -> str:
    """Return a text in single quotes."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def number(value: float) -> str:
    """Return the shortest text of a finite number; zero has no sign.

    Example:
        >>> number(5.0), number(-0.5), number(-0.0), number(1e22)
        ('5', '-0.5', '0', '1e+22')
    """
    if not math.isfinite(value):
        raise ValueError(f"{value!r} has no text in a filter")
    if value.is_integer() and abs(value) < _EXPONENT_FROM:
        return str(int(value))
    return repr(value)


def is_sendable_text(text: str) -> bool:
    r"""Tell whether a text may stand in a filter that goes to the service.

    How it reads a quote or a backslash inside a text is not known, so no text may hold one; nor a
    control character, which it might drop.

    Example:
        >>> is_sendable_text("gpt-4o"), is_sendable_text("it's"), is_sendable_text("a\\b")
        (True, False, False)
    """
    return "'" not in text and _is_harmless(text)


def is_sendable_name(name: str) -> bool:
    """Tell whether a name may stand in a filter that goes to the service; compare the above.

    Only canonical names: another might be read as a second field.
    """
    is_whole = bool(name) and '"' not in name and _is_harmless(name)
    return is_whole and canonical_name(name) == name


def _is_harmless(text: str) -> bool:
    if "\\" in text:
        return False
    return text.isprintable() or not any(unicodedata.category(char)[0] == "C" for char in text)


def _literal(literal: Literal) -> str:
    match literal:
        case Literal(str() as value, "VARCHAR"):
            return string(value)
        case Literal(bool() as value, "BOOLEAN"):
            return "true" if value else "false"
        case Literal(float() as value, "DOUBLE"):
            return number(value)
    raise ValueError(f"{literal} of type {literal.type} has no text in a filter")


class _Piece(NamedTuple):
    """A printed predicate.

    Attributes:
        head: The text up to where NOT goes in an operator that takes one, or all of it.
        tail: The rest.
        rank: How tightly it binds.
    """

    head: str
    tail: str
    rank: int

    @property
    def text(self) -> str:
        """The whole text."""
        return self.head + self.tail


_OR, _AND, _TIGHT = range(3)


class _Printer(Visitor[_Piece]):
    def always_true(self) -> _Piece:
        raise ValueError(f"{AlwaysTrue()} has no text in a filter")

    def compare(self, predicate: Compare) -> _Piece:
        text = f"{identifier(predicate.column)} {predicate.op} {_literal(predicate.literal)}"
        return _Piece(text, "", _TIGHT)

    def is_in(self, predicate: In) -> _Piece:
        values = ", ".join(map(_literal, predicate.literals))
        return _Piece(identifier(predicate.column), f" IN ({values})", _TIGHT)

    def between(self, predicate: Between) -> _Piece:
        bounds = f" BETWEEN {_literal(predicate.low)} AND {_literal(predicate.high)}"
        return _Piece(identifier(predicate.column), bounds, _TIGHT)

    def like(self, predicate: Like) -> _Piece:
        operator = "ILIKE" if predicate.ignores_case else "LIKE"
        escape = "" if predicate.escape is None else f" ESCAPE {string(predicate.escape)}"
        pattern = string(predicate.pattern)
        return _Piece(identifier(predicate.column), f" {operator} {pattern}{escape}", _TIGHT)

    def contains(self, predicate: Contains) -> _Piece:
        return _Piece(identifier(predicate.column), f" CONTAINS {string(predicate.text)}", _TIGHT)

    def is_null(self, predicate: IsNull) -> _Piece:
        return _Piece(f"{identifier(predicate.column)} IS", " NULL", _TIGHT)

    def opaque(self, predicate: Opaque) -> _Piece:
        raise ValueError(f"{predicate.sql} has no text in a filter: {predicate.reason}")

    def all_of(self, operands: Sequence[_Piece]) -> _Piece:
        texts = (f"({piece.text})" if piece.rank == _OR else piece.text for piece in operands)
        return _Piece(" AND ".join(texts), "", _AND)

    def any_of(self, operands: Sequence[_Piece]) -> _Piece:
        return _Piece(" OR ".join(piece.text for piece in operands), "", _OR)

    def negated(self, operand: _Piece) -> _Piece:
        if operand.rank != _TIGHT:
            return _Piece(f"NOT ({operand.text})", "", _TIGHT)
        if operand.tail:
            return _Piece(f"{operand.head} NOT{operand.tail}", "", _TIGHT)
        return _Piece(f"NOT {operand.text}", "", _TIGHT)
