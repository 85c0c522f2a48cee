"""Predicates over span columns: small immutable trees, unbound (columns by name).

A tree is data: it compares, hashes and pickles. Whatever is done with one is a function over it
(`visitors`): the columns it reads, the window it implies, its text. Three-valued logic throughout.

The same trees carry two languages. Read as SQL, columns are SQL names, a literal has the column's
own type, and numbers have DuckDB's order, in which NaN equals itself and is greater than every
other. Read as a span filter, columns are the service's names, a literal is VARCHAR, DOUBLE or
BOOLEAN, and `spanduck_sql.language.binding` says what a comparison means.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _timestamp_text(microseconds: int) -> str:
    try:
        moment = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return f"make_timestamptz({microseconds})"
    return f"TIMESTAMPTZ '{moment.isoformat(sep=' ')}'"
