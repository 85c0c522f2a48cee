"""A filter's text and its tree are one and the same thing."""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING, Any

from hypothesis import example, given
from hypothesis import strategies as st

from spanduck_sql.expressions import (
    And,
    Compare,
    Comparison,
    Contains,
    IsNull,
    Literal,
    Not,
    Predicate,
)
from spanduck_sql.language.fields import canonical_name
from spanduck_sql.language.parser import parse
from spanduck_sql.language.printer import (
    identifier,
    is_sendable_name,
    is_sendable_text,
    number,
    string,
    to_text,
)
from spanduck_sql.language.tokens import Kind, lex

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = st.sampled_from(["span", "evals", "eval", "trace_id", "span_kind", "name", "x"])
NAMES = st.lists(WORDS, min_size=1, max_size=4).map(".".join)
# Registered in conftest.py, with a strategy that draws concrete classes.
TREES: st.SearchStrategy[Predicate] = st.from_type(Predicate)  # type: ignore[type-abstract]


@given(tree=TREES)
@example(tree=IsNull("a..b"))
@example(tree=Not(Not(Not(IsNull("tag.")))))
@example(tree=Compare(Comparison.EQ, "a", Literal(-0.0, "DOUBLE")))
@example(tree=Compare(Comparison.EQ, "a", Literal(1e22, "DOUBLE")))
@example(tree=Contains("span", "'"))
def test_a_tree_is_read_back_from_its_text(tree: Predicate) -> None:
    assert parse(to_text(tree)) == tree


@given(tree=TREES)
def test_the_normal_form_is_the_normal_form_of_itself(tree: Predicate) -> None:
    text = to_text(tree)
    assert to_text(parse(text)) == text


@given(tree=TREES, gap=st.sampled_from(["\n", "\t ", " /* x */ ", " -- '(\n", "/**/", "\u00a0"]))
def test_white_space_and_comments_change_nothing(tree: Predicate, gap: str) -> None:
    text = to_text(tree)
    pieces = [text[token.position : token.end] for token in lex(text)]
    assert parse(gap.join(pieces)) == tree


@given(left=TREES, right=TREES)
def test_no_name_or_value_leaves_its_place(left: Predicate, right: Predicate) -> None:
    text = f"({to_text(left)}) AND ({to_text(right)})"
    assert parse(text) == And(left, right)


# `Any`: leaves of every kind.
def leaves(tree: Any) -> Iterator[Any]:
    parts = (tree.operand,) if isinstance(tree, Not) else getattr(tree, "operands", ())
    for part in parts:
        yield from leaves(part)
    if not parts:
        yield tree


@given(tree=TREES)
def test_every_leaf_knows_where_it_was_read(tree: Predicate) -> None:
    text = to_text(tree)
    for leaf in leaves(parse(text)):
        assert text[slice(*leaf.span)] == identifier(leaf.column)
        literals = [getattr(leaf, "literal", None), *getattr(leaf, "literals", ())]
        for literal in filter(None, literals):
            assert text[slice(*literal.span)] in (
                string(str(literal.value)),
                str(literal.value).lower(),
                number(literal.value) if isinstance(literal.value, float) else None,
            )


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_one_token_and_keeps_its_value(value: float) -> None:
    token, _ = lex(number(value))
    assert token.kind is Kind.NUMBER
    assert float(token.value) == value
    assert not math.copysign(1, float(token.value)) < 0 or value < 0


@given(name=st.text(min_size=1))
def test_a_quoted_name_is_one_token(name: str) -> None:
    token, _ = lex('"' + name.replace('"', '""') + '"')
    assert (token.kind, token.value) == (Kind.QUOTED, name)


@given(name=st.one_of(NAMES, st.text(min_size=1)))
@example(name="span.trace_id")
@example(name="evals.evals.x")
@example(name="span.evals.x")
def test_a_name_has_one_canonical_form(name: str) -> None:
    tree = parse(f"{identifier(name)} IS NULL")
    assert isinstance(tree, IsNull)
    assert tree.column == canonical_name(name) == canonical_name(tree.column)


@given(text=st.text(st.characters()))
def test_what_is_sendable_needs_no_escape(text: str) -> None:
    if is_sendable_text(text):
        assert string(text) == f"'{text}'"
        assert "\\" not in text
        assert not any(unicodedata.category(char).startswith("C") for char in text)
    if text and is_sendable_name(text):
        assert identifier(text) in (text, f'"{text}"')
