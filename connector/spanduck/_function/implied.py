"""What predicates on evaluations, one row each, say about the spans that carry them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from spanduck_sql.expressions import (
    AlwaysTrue,
    And,
    Between,
    Compare,
    Comparison,
    Contains,
    In,
    IsNull,
    Like,
    Not,
    Opaque,
    Or,
    Predicate,
    all_of,
    any_of,
)
from spanduck_sql.visitors import Visitor, columns_of, fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def implied(wanted: Iterable[Mapping[str, str]], predicates: Sequence[Predicate]) -> Predicate:
    """Return what is true of every span that has a wanted row: one of its evaluations is there.

    Args:
        wanted: Of each evaluation that may have rows, the span's column by field; at least one.
        predicates: Conjuncts over the rows.
    """
    return any_of(_of_one(fields, predicates) for fields in wanted)


def renamed(
    predicates: Iterable[Predicate], column_by_name: Mapping[str, str]
) -> Iterable[Predicate]:
    """Return those predicates that read nothing but the names given, over the columns given."""
    for predicate in predicates:
        names = columns_of(predicate)
        if names and column_by_name.keys() >= set(names):
            yield fold(predicate, _Renaming(column_by_name))


def _of_one(fields: Mapping[str, str], predicates: Sequence[Predicate]) -> Predicate:
    told = list(renamed(predicates, fields))
    if not any(map(_is_equality, told)):
        told.append(any_of(Not(IsNull(column)) for column in fields.values()))
    return all_of(told)


def _is_equality(predicate: Predicate) -> bool:
    is_equal = isinstance(predicate, Compare) and predicate.op is Comparison.EQ
    return is_equal or isinstance(predicate, In)


class _Renaming(Visitor[Predicate]):
    def __init__(self, column_by_name: Mapping[str, str]) -> None:
        self._columns = column_by_name

    def always_true(self) -> Predicate:
        return AlwaysTrue()

    def compare(self, predicate: Compare) -> Predicate:
        return replace(predicate, column=self._columns[predicate.column])

    def is_in(self, predicate: In) -> Predicate:
        return replace(predicate, column=self._columns[predicate.column])

    def between(self, predicate: Between) -> Predicate:
        return replace(predicate, column=self._columns[predicate.column])

    def like(self, predicate: Like) -> Predicate:
        return replace(predicate, column=self._columns[predicate.column])

    def contains(self, predicate: Contains) -> Predicate:
        return replace(predicate, column=self._columns[predicate.column])

    def is_null(self, predicate: IsNull) -> Predicate:
        return replace(predicate, column=self._columns[predicate.column])

    def opaque(self, predicate: Opaque) -> Predicate:
        return replace(predicate, columns=tuple(self._columns[name] for name in predicate.columns))

    def all_of(self, operands: Sequence[Predicate]) -> Predicate:
        return And(*operands)

    def any_of(self, operands: Sequence[Predicate]) -> Predicate:
        return Or(*operands)

    def negated(self, operand: Predicate) -> Predicate:
        return Not(operand)
