"""From a SQL predicate to the filter that loses none of its rows.

What is sent is inclusive: every row for which the predicate is true satisfies it, and the predicate
is applied again, whole, to what arrives. So AND keeps what can be said of its operands, OR needs
all of them, and NOT is moved inward first, because only what stands upright may be widened. If a
formula is true, it stays true whatever its unknown parts are replaced by: what a service answers
for a missing value matters in NULL tests only.

Only operators that the service documents are used: `= != < > <= >=`, AND, OR, IN, CONTAINS, LIKE,
IS [NOT] NULL.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from spanduck_sql.expressions import (
    And,
    Between,
    Compare,
    Comparison,
    Contains,
    In,
    IsNull,
    Like,
    Literal,
    Not,
    Opaque,
    Or,
    Predicate,
    all_of,
    any_of,
)
from spanduck_sql.language.columns import StoredKind
from spanduck_sql.language.printer import is_sendable_text
from spanduck_sql.targets import (
    GENERATED_MARK,
    NO_JSON,
    NO_TIMES,
    TIMES_OF_SPANS,
    Pushing,
    Target,
    Targets,
)
from spanduck_sql.visitors import Visitor, fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

EXACT_INTEGERS: Final = 2**53
"""From here on a double does not tell every whole number from the next."""

_Part = tuple[Predicate | None, str]
"""A filter, or None and the reason."""
_Parts = tuple[_Part, _Part]
"""Of a predicate, and of its opposite."""

_MAY_BE_NAN: Final = (
    "NaN may be stored, which SQL takes for the greatest number and the service for none"
)
_CONSERVATIVE_TEXT: Final = "pushdown = 'conservative': the service may ignore the case of texts"
_CONSERVATIVE_EMPTY: Final = (
    "pushdown = 'conservative': the service may take an empty text or list for no value"
)
_EMPTY_TEXT: Final = "an empty text may be no value at the service"
_UNSAFE_TEXT: Final = (
    "how quotes, backslashes and control characters are written in a filter is not documented"
)
_ORDER_OF_TEXTS: Final = "the order of texts at the service is not known"
_BIG_NUMBER: Final = "whole numbers from 2^53 on are not exact at the service"
_INFINITE: Final = "only finite numbers can be written in a filter"
_OTHER_TYPE: Final = "the value is of another type than the column"
_ALWAYS: Final = "it says nothing about a column"

_NUMBER_TYPES: Final = frozenset({"BIGINT", "UBIGINT", "DOUBLE"})
_ABOVE_NUMBERS: Final = frozenset({Comparison.GT, Comparison.GE, Comparison.NE})
"""Comparisons that are true of a NaN in SQL."""


def inclusive(
    predicate: Predicate, schema: pa.Schema, mode: Pushing = "standard"
) -> tuple[Predicate | None, str]:
    """Return the narrowest filter we can send that keeps every row where `predicate` is true.

    Args:
        predicate: Over SQL columns, with literals of SQL types.
        schema: The declared schema of the project: types, and exact names.
        mode: What is assumed of the service.

    Returns:
        A tree of the filter language and an empty text, or None and the reason in a sentence.
    """
    return inclusive_parts((predicate,), schema, mode)[0]


def inclusive_parts(
    predicates: Iterable[Predicate], schema: pa.Schema, mode: Pushing = "standard"
) -> list[tuple[Predicate | None, str]]:
    """Return `inclusive` of each; a column is looked up once for all of them."""
    visitor = _Inclusive(schema, mode)
    return [fold(predicate, visitor)[0] for predicate in predicates]


class _Inclusive(Visitor[_Parts]):
    def __init__(self, schema: pa.Schema, mode: Pushing) -> None:
        self._targets = Targets(schema, mode)
        self._is_conservative = mode == "conservative"

    def always_true(self) -> _Parts:
        return (None, _ALWAYS), (None, _ALWAYS)

    def compare(self, predicate: Compare) -> _Parts:
        column, literal, op = predicate.column, predicate.literal, predicate.op
        return self._compare(column, op, literal), self._compare(column, op.negated, literal)

    def is_in(self, predicate: In) -> _Parts:
        column = predicate.column
        equal = [self._compare(column, Comparison.EQ, item) for item in predicate.literals]
        different = [self._compare(column, Comparison.NE, item) for item in predicate.literals]
        return _membership(_any(equal)), _all(different)

    def between(self, predicate: Between) -> _Parts:
        column, low, high = predicate.column, predicate.low, predicate.high
        target = self._targets.valued(column)
        if isinstance(target, str):
            return (None, target), (None, target)
        if target.kind is StoredKind.TEXT:
            return (None, _ORDER_OF_TEXTS), (None, _ORDER_OF_TEXTS)
        # Without a thought for NaN, which is above: what it answers to `>= low` decides nothing.
        inside = _both(_number(Comparison.GE, target, low), _number(Comparison.LE, target, high))
        below = self._compare(column, Comparison.LT, low)
        above = self._compare(column, Comparison.GT, high)
        return inside, _any([below, above])

    def like(self, predicate: Like) -> _Parts:
        if predicate.ignores_case:
            reason = "ILIKE is not documented by the service"
            return (None, reason), (None, reason)
        opposite: _Part = (None, "NOT LIKE is not documented by the service")
        pieces = _pieces(predicate.pattern, predicate.escape)
        if pieces is None:
            return (None, "its pattern ends in its escape character"), opposite
        return self._matching(predicate.column, pieces), opposite

    def contains(self, predicate: Contains) -> _Parts:
        pieces = ("%", *(_Ordinary(char) for char in predicate.text), "%")
        return (
            self._matching(predicate.column, pieces),
            (None, "NOT contains(…) is not documented by the service"),
        )

    def is_null(self, predicate: IsNull) -> _Parts:
        target = self._targets.find(predicate.column)
        if isinstance(target, str):
            return (None, target), (None, target)
        test = IsNull(target.name)
        return (
            self._null(target) or (test, ""),
            self._not_null(target) or (Not(test), ""),
        )

    def opaque(self, predicate: Opaque) -> _Parts:
        return (None, predicate.reason), (None, predicate.reason)

    def all_of(self, operands: Sequence[_Parts]) -> _Parts:
        return _all([one for one, _ in operands]), _any([opposite for _, opposite in operands])

    def any_of(self, operands: Sequence[_Parts]) -> _Parts:
        return _any([one for one, _ in operands]), _all([opposite for _, opposite in operands])

    def negated(self, operand: _Parts) -> _Parts:
        return operand[1], operand[0]

    def _compare(self, column: str, op: Comparison, literal: Literal) -> _Part:
        target = self._targets.valued(column)
        if isinstance(target, str):
            return None, target
        if target.kind is not StoredKind.TEXT:
            if op in _ABOVE_NUMBERS and target.may_be_nan:
                return None, _MAY_BE_NAN
            return _number(op, target, literal)
        return self._compare_text(op, target, literal)

    def _compare_text(self, op: Comparison, target: Target, literal: Literal) -> _Part:
        text = literal.value
        if literal.type != "VARCHAR" or not isinstance(text, str):
            return None, _OTHER_TYPE
        if op not in (Comparison.EQ, Comparison.NE):
            return None, _ORDER_OF_TEXTS
        if not text:
            return None, _EMPTY_TEXT
        if op is Comparison.NE and self._is_conservative:
            return None, _CONSERVATIVE_TEXT
        if _is_sendable(text):
            return Compare(op, target.name, Literal(text, "VARCHAR")), ""
        if op is Comparison.NE:
            return None, _UNSAFE_TEXT
        return _like(target, [_Ordinary(char) for char in text])

    def _matching(self, column: str, pieces: Sequence[str]) -> _Part:
        target = self._targets.valued(column)
        if isinstance(target, str):
            return None, target
        if target.kind is not StoredKind.TEXT:
            return None, _OTHER_TYPE
        if not any(isinstance(piece, _Ordinary) for piece in pieces):
            return None, "the pattern has no ordinary character"
        text = "".join(pieces[1:-1])
        is_search = (
            _is_wild(pieces[0], "%")
            and _is_wild(pieces[-1], "%")
            and all(isinstance(piece, _Ordinary) for piece in pieces[1:-1])
        )
        if is_search and _is_sendable(text):
            return Contains(target.name, text), ""
        return _like(target, pieces)

    def _null(self, target: Target) -> _Part | None:
        if target.name in TIMES_OF_SPANS:
            return None, NO_TIMES
        if target.kind in (StoredKind.JSON, StoredKind.LIST, StoredKind.MAP):
            return None, NO_JSON
        if target.may_be_nan and target.reads_nan_as_null:
            return None, _MAY_BE_NAN
        if not target.is_exact:
            return None, "the service may read the field from another column"
        return None

    # Our own server, the one that marks NaN, says that a NaN is there.
    def _not_null(self, target: Target) -> _Part | None:
        if target.name in TIMES_OF_SPANS:
            return None, NO_TIMES
        if not self._is_conservative:
            return None
        if target.kind in (StoredKind.TEXT, StoredKind.LIST):
            return None, _CONSERVATIVE_EMPTY
        if target.may_be_nan and not target.reads_nan_as_null:
            return None, _MAY_BE_NAN
        return None


class _Ordinary(str):
    """A character of a pattern that stands for itself."""

    __slots__ = ()


def _is_wild(piece: str, char: str) -> bool:
    return piece == char and not isinstance(piece, _Ordinary)


def _pieces(pattern: str, escape: str | None) -> list[str] | None:
    """Return the characters of a pattern, `_Ordinary` or wild; None when it ends in its escape."""
    pieces: list[str] = []
    characters = iter(pattern)
    for char in characters:
        if char == escape:
            escaped = next(characters, None)
            if escaped is None:
                return None
            pieces.append(_Ordinary(escaped))
        else:
            pieces.append(char if char in "%_" else _Ordinary(char))
    return pieces


def _like(target: Target, pieces: Sequence[str]) -> _Part:
    """Return LIKE with `%` for every ordinary character that cannot be written as itself."""
    made: list[str] = []
    for piece in pieces:
        is_kept = _is_wild(piece, "_") or (piece not in "%_" and is_sendable_text(piece))
        char = str(piece) if is_kept else "%"
        if char != "%" or made[-1:] != ["%"]:
            made.append(char)
    pattern = "".join(made)
    if not pattern.strip("%_"):
        return None, _UNSAFE_TEXT
    if not _is_sendable(pattern):
        return None, _UNSAFE_TEXT
    return Like(target.name, pattern), ""


def _is_sendable(text: str) -> bool:
    return is_sendable_text(text) and GENERATED_MARK not in text


def _number(op: Comparison, target: Target, literal: Literal) -> _Part:
    value = literal.value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if literal.type not in _NUMBER_TYPES or not is_number:
        return None, _OTHER_TYPE
    assert isinstance(value, int | float)  # noqa: S101 - narrows the type for mypy
    if isinstance(value, float) and not math.isfinite(value):
        return None, _INFINITE
    must_be_exact = isinstance(value, int) or target.kind is StoredKind.INTEGER
    if must_be_exact and abs(value) >= EXACT_INTEGERS:
        return None, _BIG_NUMBER
    # Adding zero makes -0.0 the same text as 0.0, to which it is equal.
    return Compare(op, target.name, Literal(float(value) + 0.0, "DOUBLE")), ""


def _all(parts: Sequence[_Part]) -> _Part:
    """Return the conjunction of what can be sent."""
    filters = [predicate for predicate, _ in parts if predicate is not None]
    if not filters:
        return None, parts[0][1]
    return all_of(dict.fromkeys(filters)), ""


def _both(one: _Part, other: _Part) -> _Part:
    if one[0] is None or other[0] is None:
        return None, one[1] or other[1]
    return And(one[0], other[0]), ""


def _any(parts: Sequence[_Part]) -> _Part:
    """Return the disjunction, of which every part must be sent."""
    filters: dict[Predicate, None] = {}
    for predicate, reason in parts:
        if predicate is None:
            return None, reason
        filters[predicate] = None
    return any_of(filters), ""


def _membership(part: _Part) -> _Part:
    """Return a disjunction of equalities as IN; what was widened stays beside it."""
    predicate = part[0]
    if not isinstance(predicate, Or):
        return part
    equal = [item for item in predicate.operands if isinstance(item, Compare)]
    others = [item for item in predicate.operands if not isinstance(item, Compare)]
    if len(equal) < 2:
        return part
    among = In(equal[0].column, tuple(item.literal for item in equal))
    return any_of((among, *others)), ""
