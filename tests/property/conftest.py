"""Strategies that several properties share; `st.from_type(Predicate)` draws filter trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st

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
    Or,
    Predicate,
)
from spanduck_sql.language.fields import ATTRIBUTE_FIELDS, CORE_FIELDS, canonical_name

if TYPE_CHECKING:
    from collections.abc import Callable

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
