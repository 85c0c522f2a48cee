"""Predicates over span columns: small immutable trees, unbound (columns by name).

A tree is data: it compares, hashes and pickles. Whatever is done with one is a function over it
(`fold`): the columns it reads, the window it implies, its text. Three-valued logic throughout, and
DuckDB's order of numbers, in which NaN equals itself and is greater than every other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

_T = TypeVar("_T")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Comparison(StrEnum):
    """How a column is compared with a constant."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="

    @property
    def negated(self) -> Comparison:
        """The comparison that is true exactly where this one is false."""
        return _NEGATED[self]


_NEGATED: Final = {
    Comparison.EQ: Comparison.NE,
    Comparison.NE: Comparison.EQ,
    Comparison.LT: Comparison.GE,
    Comparison.GE: Comparison.LT,
    Comparison.GT: Comparison.LE,
    Comparison.LE: Comparison.GT,
}


@dataclass(frozen=True)
class Literal:
    """A constant.

    Attributes:
        value: A plain Python value; of a TIMESTAMP WITH TIME ZONE the microseconds since the epoch.
        type: DuckDB's name of the type, which is the column's own.
    """

    value: object
    type: str

    def __str__(self) -> str:
        value = self.value
        if self.type == TIMESTAMP_TZ and isinstance(value, int):
            return _timestamp_text(value)
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, str):
            escaped = value.replace("'", "''")
            return f"'{escaped}'"
        if isinstance(value, int | float):
            return repr(value)
        return f"'{value}'::{self.type}"


TIMESTAMP_TZ: Final = "TIMESTAMP WITH TIME ZONE"


class Predicate(ABC):
    """A condition on a row: true, false or NULL."""

    def __and__(self, other: Predicate) -> Predicate:
        return all_of((self, other))

    def __invert__(self) -> Predicate:
        return negate(self)

    @abstractmethod
    def __str__(self) -> str:
        """The predicate as SQL, for people."""


@dataclass(frozen=True)
class AlwaysTrue(Predicate):
    """True for every row."""

    def __str__(self) -> str:
        return "TRUE"


@dataclass(frozen=True)
class Compare(Predicate):
    """A column compared with a constant."""

    op: Comparison
    column: str
    literal: Literal

    def __str__(self) -> str:
        return f"{_quoted(self.column)} {self.op} {self.literal}"


@dataclass(frozen=True)
class In(Predicate):
    """A column among constants, at least one; none of them NULL."""

    column: str
    literals: tuple[Literal, ...]

    def __str__(self) -> str:
        return f"{_quoted(self.column)} IN ({', '.join(map(str, self.literals))})"


@dataclass(frozen=True)
class IsNull(Predicate):
    """A column without a value."""

    column: str

    def __str__(self) -> str:
        return f"{_quoted(self.column)} IS NULL"


@dataclass(frozen=True)
class And(Predicate):
    """Both."""

    left: Predicate
    right: Predicate

    def __str__(self) -> str:
        return f"({self.left} AND {self.right})"


@dataclass(frozen=True)
class Or(Predicate):
    """Either."""

    left: Predicate
    right: Predicate

    def __str__(self) -> str:
        return f"({self.left} OR {self.right})"


@dataclass(frozen=True)
class Not(Predicate):
    """The opposite; NULL stays NULL."""

    operand: Predicate

    def __str__(self) -> str:
        if isinstance(self.operand, IsNull):
            return f"{_quoted(self.operand.column)} IS NOT NULL"
        return f"(NOT {self.operand})"


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
    def is_null(self, predicate: IsNull) -> _T:
        """Value of a test for NULL."""

    @abstractmethod
    def all_of(self, left: _T, right: _T) -> _T:
        """Value of AND."""

    @abstractmethod
    def any_of(self, left: _T, right: _T) -> _T:
        """Value of OR."""

    @abstractmethod
    def negated(self, operand: _T) -> _T:
        """Value of NOT."""


def fold(predicate: Predicate, visitor: Visitor[_T]) -> _T:
    """Visit `predicate` from its leaves up, without recursion: a long OR is a deep tree."""
    values: list[_T] = []
    pending: list[tuple[Predicate, bool]] = [(predicate, False)]
    while pending:
        node, is_ready = pending.pop()
        match node:
            case And(left, right) | Or(left, right):
                if not is_ready:
                    pending += [(node, True), (right, False), (left, False)]
                    continue
                second, first = values.pop(), values.pop()
                combine = visitor.all_of if isinstance(node, And) else visitor.any_of
                values.append(combine(first, second))
            case Not(operand):
                if not is_ready:
                    pending += [(node, True), (operand, False)]
                    continue
                values.append(visitor.negated(values.pop()))
            case Compare():
                values.append(visitor.compare(node))
            case In():
                values.append(visitor.is_in(node))
            case IsNull():
                values.append(visitor.is_null(node))
            case AlwaysTrue():
                values.append(visitor.always_true())
            case _:
                raise TypeError(f"{type(node).__name__} is no predicate")
    return values[0]


def all_of(predicates: Iterable[Predicate]) -> Predicate:
    """Return the conjunction; `AlwaysTrue` of none."""
    result: Predicate = AlwaysTrue()
    for predicate in predicates:
        if isinstance(predicate, AlwaysTrue):
            continue
        result = predicate if isinstance(result, AlwaysTrue) else And(result, predicate)
    return result


def negate(predicate: Predicate) -> Predicate:
    """Return the opposite, with NOT moved down to the leaves that cannot lose it."""
    return fold(predicate, _Negation())[1]


def push_not_down(predicate: Predicate) -> Predicate:
    """Return an equal predicate in which NOT stands before memberships and NULL tests only."""
    return fold(predicate, _Negation())[0]


def columns_of(predicate: Predicate) -> tuple[str, ...]:
    """Return the columns that `predicate` reads, each once, in the order of first use."""
    return fold(predicate, _Columns())


class _Negation(Visitor[tuple[Predicate, Predicate]]):
    """Each value is a pair: the predicate, and its opposite."""

    def always_true(self) -> tuple[Predicate, Predicate]:
        return AlwaysTrue(), Not(AlwaysTrue())

    def compare(self, predicate: Compare) -> tuple[Predicate, Predicate]:
        opposite = Compare(predicate.op.negated, predicate.column, predicate.literal)
        return predicate, opposite

    def is_in(self, predicate: In) -> tuple[Predicate, Predicate]:
        return predicate, Not(predicate)

    def is_null(self, predicate: IsNull) -> tuple[Predicate, Predicate]:
        return predicate, Not(predicate)

    def all_of(
        self, left: tuple[Predicate, Predicate], right: tuple[Predicate, Predicate]
    ) -> tuple[Predicate, Predicate]:
        return And(left[0], right[0]), Or(left[1], right[1])

    def any_of(
        self, left: tuple[Predicate, Predicate], right: tuple[Predicate, Predicate]
    ) -> tuple[Predicate, Predicate]:
        return Or(left[0], right[0]), And(left[1], right[1])

    def negated(self, operand: tuple[Predicate, Predicate]) -> tuple[Predicate, Predicate]:
        return operand[1], operand[0]


class _Columns(Visitor[tuple[str, ...]]):
    def always_true(self) -> tuple[str, ...]:
        return ()

    def compare(self, predicate: Compare) -> tuple[str, ...]:
        return (predicate.column,)

    def is_in(self, predicate: In) -> tuple[str, ...]:
        return (predicate.column,)

    def is_null(self, predicate: IsNull) -> tuple[str, ...]:
        return (predicate.column,)

    def all_of(self, left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(left + right))

    def any_of(self, left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(left + right))

    def negated(self, operand: tuple[str, ...]) -> tuple[str, ...]:
        return operand


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _timestamp_text(microseconds: int) -> str:
    try:
        moment = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return f"make_timestamptz({microseconds})"
    return f"TIMESTAMPTZ '{moment.isoformat(sep=' ')}'"
