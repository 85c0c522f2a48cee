"""What several properties share: strategies (`st.from_type(Predicate)` draws filter trees), a server."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st

import spanduck
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
)
from spanduck_sql.language.evaluate import evaluate
from spanduck_sql.language.fields import ATTRIBUTE_FIELDS, CORE_FIELDS, canonical_name
from spanduck_sql.visitors import Visitor

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from spanduck_sql.language.binding import BoundFilter

ANY_TEXT = st.text(max_size=8)
AWKWARD_TEXT = st.text(st.sampled_from("ab.%_#'\"\\-/*[]() \n0é"), max_size=8)
TEXTS = st.one_of(AWKWARD_TEXT, ANY_TEXT)
KNOWN_NAMES = st.sampled_from([field.name for field in (*CORE_FIELDS, *ATTRIBUTE_FIELDS)])
WORDS = st.sampled_from(["a", "b_1", "in", "Null", "0", "x-y", "span", "evals", "ключ", ""])
NAMES = (
    st.one_of(
        KNOWN_NAMES,
        st.lists(WORDS, min_size=1, max_size=4).map(".".join),
        TEXTS,
    )
    .map(canonical_name)
    .filter(bool)
)
NUMBERS = st.one_of(
    st.integers(-(2**60), 2**60).map(float), st.floats(allow_nan=False, allow_infinity=False)
)


def texts(values: st.SearchStrategy[str] = TEXTS) -> st.SearchStrategy[Literal]:
    return values.map(lambda value: Literal(value, "VARCHAR"))


def numbers(values: st.SearchStrategy[float] = NUMBERS) -> st.SearchStrategy[Literal]:
    return values.map(lambda value: Literal(value, "DOUBLE"))


def booleans() -> st.SearchStrategy[Literal]:
    return st.booleans().map(lambda value: Literal(value, "BOOLEAN"))


def patterns(values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, str | None]]:
    """Patterns of LIKE with an escape character or none; none ends in its escape character."""
    escapes = st.one_of(st.sampled_from("#%_\\'"), st.characters(codec="utf-8"))
    escaped = st.tuples(values, escapes).map(
        # Doubled, an escape character is an ordinary one, so it cannot be the open last one.
        lambda drawn: (drawn[0].replace(drawn[1], drawn[1] * 2), drawn[1])
    )
    chosen = st.tuples(values.filter(bool), escapes).map(
        lambda drawn: (
            (drawn[1] + drawn[0], drawn[1]) if drawn[1] not in drawn[0] else ("", drawn[1])
        )
    )
    return st.one_of(st.tuples(values, st.none()), escaped, chosen)


def filter_leaves(
    names: st.SearchStrategy[str] = NAMES,
    texts_in: st.SearchStrategy[str] = TEXTS,
    numbers_in: st.SearchStrategy[float] = NUMBERS,
) -> st.SearchStrategy[Predicate]:
    """Conditions of the filter language on `names`, whatever those take."""
    ordered = st.one_of(texts(texts_in), numbers(numbers_in))
    kinds = (texts(texts_in), numbers(numbers_in), booleans())
    lists = st.one_of([st.lists(kind, min_size=1, max_size=4).map(tuple) for kind in kinds])
    ranges = st.one_of([st.tuples(kind, kind) for kind in kinds[:2]])
    equality = st.sampled_from([Comparison.EQ, Comparison.NE])
    return st.one_of(
        st.builds(Compare, st.sampled_from(Comparison), names, ordered),
        st.builds(Compare, equality, names, booleans()),
        st.builds(In, names, lists),
        st.builds(lambda name, bounds: Between(name, *bounds), names, ranges),
        st.builds(
            lambda name, pattern, ignores: Like(name, pattern[0], pattern[1], ignores),
            names,
            patterns(texts_in),
            st.booleans(),
        ),
        st.builds(Contains, names, texts_in),
        st.builds(IsNull, names),
    )


def filter_trees(
    leaves: st.SearchStrategy[Predicate] | None = None, *, max_leaves: int = 12
) -> st.SearchStrategy[Predicate]:
    """Trees of AND, OR and NOT over `leaves`, which are `filter_leaves()` by default."""

    def extend(inner: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
        several = st.lists(inner, min_size=2, max_size=4)
        return st.one_of(
            several.map(lambda operands: And(*operands)),
            several.map(lambda operands: Or(*operands)),
            inner.map(Not),
        )

    return st.recursive(leaves or filter_leaves(), extend, max_leaves=max_leaves)


st.register_type_strategy(Predicate, filter_trees())


@pytest.fixture(scope="session")
def make_filter_leaves() -> Callable[..., st.SearchStrategy[Predicate]]:
    """Make a strategy for conditions on given names: see `filter_leaves`."""
    return filter_leaves


@pytest.fixture(scope="session")
def make_filter_trees() -> Callable[..., st.SearchStrategy[Predicate]]:
    """Make a strategy for trees over given leaves: see `filter_trees`."""
    return filter_trees


class Whims(Visitor["bool | None"]):
    """A service that answers anything of a missing value, but for NULL tests."""

    def __init__(
        self, bound: BoundFilter, row: Mapping[str, object], chance: random.Random
    ) -> None:
        self._bound = bound
        self._row = row
        self._chance = chance

    def _atom(self, leaf: Predicate, column: str) -> bool | None:
        field = self._bound.fields[column]
        value = None if field.column is None else self._row[field.column.sql_name]
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return self._chance.choice([True, False, None])
        return evaluate(dataclasses.replace(self._bound, predicate=leaf), self._row)

    def always_true(self) -> bool | None:
        return True

    def compare(self, predicate: Compare) -> bool | None:
        return self._atom(predicate, predicate.column)

    def is_in(self, predicate: In) -> bool | None:
        return self._atom(predicate, predicate.column)

    def between(self, predicate: Between) -> bool | None:
        return self._atom(predicate, predicate.column)

    def like(self, predicate: Like) -> bool | None:
        return self._atom(predicate, predicate.column)

    def contains(self, predicate: Contains) -> bool | None:
        return self._atom(predicate, predicate.column)

    def is_null(self, predicate: IsNull) -> bool | None:
        return evaluate(dataclasses.replace(self._bound, predicate=predicate), self._row)

    def opaque(self, predicate: Opaque) -> bool | None:
        raise AssertionError(predicate)

    def all_of(self, operands: Sequence[bool | None]) -> bool | None:
        return False if False in operands else None if None in operands else True

    def any_of(self, operands: Sequence[bool | None]) -> bool | None:
        return True if True in operands else None if None in operands else False

    def negated(self, operand: bool | None) -> bool | None:
        return None if operand is None else not operand


class Lowered(Visitor[Predicate]):
    """The filter as a service reads it that ignores the case of texts."""

    def compare(self, predicate: Compare) -> Predicate:
        return dataclasses.replace(predicate, literal=_lower(predicate.literal))

    def is_in(self, predicate: In) -> Predicate:
        return dataclasses.replace(predicate, literals=tuple(map(_lower, predicate.literals)))

    def like(self, predicate: Like) -> Predicate:
        return dataclasses.replace(predicate, pattern=predicate.pattern.lower())

    def contains(self, predicate: Contains) -> Predicate:
        return dataclasses.replace(predicate, text=predicate.text.lower())

    def is_null(self, predicate: IsNull) -> Predicate:
        return predicate

    def between(self, predicate: Between) -> Predicate:
        raise AssertionError(predicate)

    def opaque(self, predicate: Opaque) -> Predicate:
        raise AssertionError(predicate)

    def always_true(self) -> Predicate:
        raise AssertionError

    def all_of(self, operands: Sequence[Predicate]) -> Predicate:
        return And(*operands)

    def any_of(self, operands: Sequence[Predicate]) -> Predicate:
        return Or(*operands)

    def negated(self, operand: Predicate) -> Predicate:
        return Not(operand)


def _lower(literal: Literal) -> Literal:
    value = literal.value
    return Literal(value.lower(), literal.type) if isinstance(value, str) else literal


class Habits:
    """Services that read a filter otherwise than ours; a class for the tests, as they cannot import."""

    Whims = Whims
    Lowered = Lowered


@pytest.fixture(scope="session")
def habits() -> type[Habits]:
    return Habits


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Settings of an embedded server that the tests of a file share: use projects of your own."""
    with spanduck.serve(tmp_path_factory.mktemp("store")) as server:
        yield {
            name.removeprefix("ARIZE_").lower(): value
            for name, value in server.environment().items()
        }
