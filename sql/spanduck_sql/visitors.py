"""What is done with predicates: one visitor for each use, folded over the tree."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Generic, TypeVar

from spanduck_sql.expressions import (
    AlwaysTrue,
    And,
    Between,
    Compare,
    Contains,
    In,
    IsNull,
    Like,
    Not,
    Opaque,
    Or,
    Predicate,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_T = TypeVar("_T")


class Visitor(ABC, Generic[_T]):
    """One use of a predicate: a value for each leaf, and how values combine."""

    @abstractmethod
    def always_true(self) -> _T:
        """Value of `AlwaysTrue`."""

    @abstractmethod
    def compare(self, predicate: Compare) -> _T:
        """Value of a comparison."""

    @abstractmethod
    def is_in(self, predicate: In) -> _T:
        """Value of a membership."""

    @abstractmethod
    def between(self, predicate: Between) -> _T:
        """Value of a range."""

    @abstractmethod
    def like(self, predicate: Like) -> _T:
        """Value of a pattern match."""

    @abstractmethod
    def contains(self, predicate: Contains) -> _T:
        """Value of a search."""

    @abstractmethod
    def is_null(self, predicate: IsNull) -> _T:
        """Value of a test for NULL."""

    @abstractmethod
    def opaque(self, predicate: Opaque) -> _T:
        """Value of what only the engine evaluates."""

    @abstractmethod
    def all_of(self, operands: Sequence[_T]) -> _T:
        """Value of AND."""

    @abstractmethod
    def any_of(self, operands: Sequence[_T]) -> _T:
        """Value of OR."""

    @abstractmethod
    def negated(self, operand: _T) -> _T:
        """Value of NOT."""


def fold(predicate: Predicate, visitor: Visitor[_T]) -> _T:
    """Visit `predicate` from its leaves up, from left to right, without recursion."""
    values: list[_T] = []
    pending: list[tuple[Predicate, bool]] = [(predicate, False)]
    while pending:
        node, is_ready = pending.pop()
        match node:
            case And() | Or():
                if not is_ready:
                    pending.append((node, True))
                    pending += [(operand, False) for operand in reversed(node.operands)]
                    continue
                count = len(node.operands)
                combine = visitor.all_of if isinstance(node, And) else visitor.any_of
                values[-count:] = [combine(values[-count:])]
            case Not(operand):
                if not is_ready:
                    pending += [(node, True), (operand, False)]
                    continue
                values.append(visitor.negated(values.pop()))
            case _:
                values.append(_leaf(node, visitor))
    return values[0]


def _leaf(node: Predicate, visitor: Visitor[_T]) -> _T:
    match node:
        case Compare():
            return visitor.compare(node)
        case In():
            return visitor.is_in(node)
        case Between():
            return visitor.between(node)
        case Like():
            return visitor.like(node)
        case Contains():
            return visitor.contains(node)
        case IsNull():
            return visitor.is_null(node)
        case Opaque():
            return visitor.opaque(node)
        case AlwaysTrue():
            return visitor.always_true()
    raise TypeError(f"{type(node).__name__} is no predicate")


def push_not_down(predicate: Predicate) -> Predicate:
    """Return an equal predicate in which NOT stands before memberships and NULL tests only."""
    return fold(predicate, _Negation())[0]


def columns_of(predicate: Predicate) -> tuple[str, ...]:
    """Return the columns that `predicate` reads, each once, in the order of first use."""
    return fold(predicate, _Columns())


_Pair = tuple[Predicate, Predicate]


class _Negation(Visitor[_Pair]):
    """Each value is a pair: the predicate, and its opposite."""

    def always_true(self) -> _Pair:
        return AlwaysTrue(), Not(AlwaysTrue())

    def compare(self, predicate: Compare) -> _Pair:
        return predicate, replace(predicate, op=predicate.op.negated)

    def is_in(self, predicate: In) -> _Pair:
        return predicate, Not(predicate)

    def between(self, predicate: Between) -> _Pair:
        return predicate, Not(predicate)

    def like(self, predicate: Like) -> _Pair:
        return predicate, Not(predicate)

    def contains(self, predicate: Contains) -> _Pair:
        return predicate, Not(predicate)

    def is_null(self, predicate: IsNull) -> _Pair:
        return predicate, Not(predicate)

    def opaque(self, predicate: Opaque) -> _Pair:
        return predicate, Not(predicate)

    def all_of(self, operands: Sequence[_Pair]) -> _Pair:
        return And(*(one for one, _ in operands)), Or(*(opposite for _, opposite in operands))

    def any_of(self, operands: Sequence[_Pair]) -> _Pair:
        return Or(*(one for one, _ in operands)), And(*(opposite for _, opposite in operands))

    def negated(self, operand: _Pair) -> _Pair:
        return operand[1], operand[0]


class _Columns(Visitor[tuple[str, ...]]):
    def always_true(self) -> tuple[str, ...]:
        return ()

    def compare(self, predicate: Compare) -> tuple[str, ...]:
        return (predicate.column,)

    def is_in(self, predicate: In) -> tuple[str, ...]:
        return (predicate.column,)

    def between(self, predicate: Between) -> tuple[str, ...]:
        return (predicate.column,)

    def like(self, predicate: Like) -> tuple[str, ...]:
        return (predicate.column,)

    def contains(self, predicate: Contains) -> tuple[str, ...]:
        return (predicate.column,)

    def is_null(self, predicate: IsNull) -> tuple[str, ...]:
        return (predicate.column,)

    def opaque(self, predicate: Opaque) -> tuple[str, ...]:
        return predicate.columns

    def all_of(self, operands: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(chain.from_iterable(operands)))

    def any_of(self, operands: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
        return self.all_of(operands)

    def negated(self, operand: tuple[str, ...]) -> tuple[str, ...]:
        return operand
