"""Predicates over span columns: small immutable trees, unbound (columns by name).

A tree is data: it compares, hashes and pickles. Whatever is done with one is a function over it
(`fold`): the columns it reads, the window it implies, its text. Three-valued logic throughout.

The same trees carry two languages. Read as SQL, columns are SQL names, a literal has the column's
own type, and numbers have DuckDB's order, in which NaN equals itself and is greater than every
other. Read as a span filter, columns are the service's names, a literal is VARCHAR, DOUBLE or
BOOLEAN, and `spanduck_sql.language.binding` says what a comparison means.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


Span = tuple[int, int]
"""Where a token stands in the text a tree was read from: its first offset and one past its last."""


@dataclass(frozen=True)
class Literal:
    """A constant.

    Attributes:
        value: A plain Python value; of a TIMESTAMP WITH TIME ZONE the microseconds since the epoch.
        type: DuckDB's name of the type, which is the column's own.
        span: Where it was read. No part of the value: trees compare without it, here and below.
    """

    value: object
    type: str
    span: Span | None = field(default=None, compare=False, repr=False)

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
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{_quoted(self.column)} {self.op} {self.literal}"


@dataclass(frozen=True)
class In(Predicate):
    """A column among constants, at least one; none of them NULL."""

    column: str
    literals: tuple[Literal, ...]
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{_quoted(self.column)} IN ({', '.join(map(str, self.literals))})"


@dataclass(frozen=True)
class Between(Predicate):
    """A column between two constants, both included."""

    column: str
    low: Literal
    high: Literal
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{_quoted(self.column)} BETWEEN {self.low} AND {self.high}"


@dataclass(frozen=True)
class Like(Predicate):
    """A text that matches a pattern: `%` any run of characters, `_` one.

    Attributes:
        column: The text.
        pattern: The pattern.
        escape: The character that makes the next one of the pattern ordinary; None for none.
        ignores_case: ILIKE.
        span: Where the column was read.
    """

    column: str
    pattern: str
    escape: str | None = None
    ignores_case: bool = False
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        operator = "ILIKE" if self.ignores_case else "LIKE"
        escape = "" if self.escape is None else f" ESCAPE {Literal(self.escape, 'VARCHAR')}"
        pattern = Literal(self.pattern, "VARCHAR")
        return f"{_quoted(self.column)} {operator} {pattern}{escape}"


@dataclass(frozen=True)
class Contains(Predicate):
    """A text that holds another one, every character of which is ordinary."""

    column: str
    text: str
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"contains({_quoted(self.column)}, {Literal(self.text, 'VARCHAR')})"


@dataclass(frozen=True)
class IsNull(Predicate):
    """A column without a value."""

    column: str
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{_quoted(self.column)} IS NULL"


@dataclass(frozen=True)
class Opaque(Predicate):
    """A condition that only the engine evaluates; it stands for its place in a tree.

    Attributes:
        sql: Its text.
        reason: Why nothing else can be said of it.
        columns: What it reads of the spans.
    """

    sql: str
    reason: str
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.sql


class _Connective(Predicate):
    """AND or OR of two or more; one of the same kind inside is dissolved, so that none is deep."""

    operands: tuple[Predicate, ...]

    def __init__(self, *operands: Predicate) -> None:
        if len(operands) < 2:
            raise ValueError(f"{type(self).__name__} needs two operands; see all_of and any_of")
        flat: list[Predicate] = []
        for operand in operands:
            flat += operand.operands if isinstance(operand, type(self)) else (operand,)
        object.__setattr__(self, "operands", tuple(flat))


@dataclass(frozen=True, init=False)
class And(_Connective):
    """All of them."""

    operands: tuple[Predicate, ...]

    def __str__(self) -> str:
        return f"({' AND '.join(map(str, self.operands))})"


@dataclass(frozen=True, init=False)
class Or(_Connective):
    """Any of them."""

    operands: tuple[Predicate, ...]

    def __str__(self) -> str:
        return f"({' OR '.join(map(str, self.operands))})"


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


def all_of(predicates: Iterable[Predicate]) -> Predicate:
    """Return the conjunction, without what is always true; `AlwaysTrue` of none."""
    operands = [item for item in predicates if not isinstance(item, AlwaysTrue)]
    if not operands:
        return AlwaysTrue()
    return operands[0] if len(operands) == 1 else And(*operands)


def any_of(predicates: Iterable[Predicate]) -> Predicate:
    """Return the disjunction of one or more."""
    operands = tuple(predicates)
    return operands[0] if len(operands) == 1 else Or(*operands)


def conjuncts(predicate: Predicate) -> tuple[Predicate, ...]:
    """Return what must all hold: the operands of an AND, nothing of `AlwaysTrue`, else itself."""
    match predicate:
        case And():
            return predicate.operands
        case AlwaysTrue():
            return ()
    return (predicate,)


def negate(predicate: Predicate) -> Predicate:
    """Return the opposite, with NOT moved down to the leaves that cannot lose it."""
    return fold(predicate, _Negation())[1]


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


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _timestamp_text(microseconds: int) -> str:
    try:
        moment = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return f"make_timestamptz({microseconds})"
    return f"TIMESTAMPTZ '{moment.isoformat(sep=' ')}'"
