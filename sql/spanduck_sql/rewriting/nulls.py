"""What a condition says of the row of NULLs that an outer join puts where there was no match."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

from spanduck_sql.visitors import Visitor, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spanduck_sql.expressions import (
        Between,
        Compare,
        Contains,
        In,
        IsNull,
        Like,
        Opaque,
        Predicate,
    )

_Values = frozenset[bool | None]
"""What a part may come to; NULL is None."""

_TRUE: Final[_Values] = frozenset({True})
_NULL: Final[_Values] = frozenset({None})
_ANY: Final[_Values] = frozenset({True, False, None})


def keeps_nulls(predicate: Predicate) -> bool:
    """Whether `predicate` may be true of a row in which all its columns are NULL.

    A part that only the engine evaluates may come to anything.
    """
    return True in fold(predicate, _OnNulls())


class _OnNulls(Visitor[_Values]):
    def always_true(self) -> _Values:
        return _TRUE

    def compare(self, predicate: Compare) -> _Values:  # noqa: ARG002 - NULL, whatever is compared
        return _NULL

    def is_in(self, predicate: In) -> _Values:  # noqa: ARG002
        return _NULL

    def between(self, predicate: Between) -> _Values:  # noqa: ARG002
        return _NULL

    def like(self, predicate: Like) -> _Values:  # noqa: ARG002
        return _NULL

    def contains(self, predicate: Contains) -> _Values:  # noqa: ARG002
        return _NULL

    def is_null(self, predicate: IsNull) -> _Values:  # noqa: ARG002
        return _TRUE

    def opaque(self, predicate: Opaque) -> _Values:  # noqa: ARG002
        return _ANY

    def all_of(self, operands: Sequence[_Values]) -> _Values:
        return _combined(operands, _and)

    def any_of(self, operands: Sequence[_Values]) -> _Values:
        return _combined(operands, _or)

    def negated(self, operand: _Values) -> _Values:
        return frozenset(None if value is None else not value for value in operand)


def _combined(
    operands: Sequence[_Values], operator: Callable[[bool | None, bool | None], bool | None]
) -> _Values:
    values = operands[0]
    for operand in operands[1:]:
        values = frozenset(operator(one, other) for one, other in product(values, operand))
    return values


def _and(one: bool | None, other: bool | None) -> bool | None:
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def _or(one: bool | None, other: bool | None) -> bool | None:
    if one is True or other is True:
        return True
    return None if one is None or other is None else False
