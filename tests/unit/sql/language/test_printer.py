from __future__ import annotations

import math
import time

import pytest

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
    Literal,
    Not,
    Opaque,
    Or,
    Predicate,
)
from spanduck_sql.language.parser import parse
from spanduck_sql.language.printer import (
    identifier,
    is_sendable_name,
    is_sendable_text,
    number,
    to_text,
)

ONE = Literal(1.0, "DOUBLE")
X = Literal("x", "VARCHAR")
A = Compare(Comparison.EQ, "a", ONE)
B = Compare(Comparison.NE, "b", X)
C = Compare(Comparison.EQ, "c", Literal(value=True, type="BOOLEAN"))
NULL = IsNull("n")


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (And(A, Or(B, C)), "a = 1 AND (b != 'x' OR c = true)"),
        (Or(And(A, B), C), "a = 1 AND b != 'x' OR c = true"),
        (Or(A, And(B, Or(A, C))), "a = 1 OR b != 'x' AND (a = 1 OR c = true)"),
        (Not(A), "NOT a = 1"),
        (Not(Not(A)), "NOT NOT a = 1"),
        (Not(And(A, B)), "NOT (a = 1 AND b != 'x')"),
        (And(Not(A), Not(Or(A, B))), "NOT a = 1 AND NOT (a = 1 OR b != 'x')"),
        (NULL, "n IS NULL"),
        (Not(NULL), "n IS NOT NULL"),
        (Not(Not(NULL)), "NOT n IS NOT NULL"),
        (In("a", (ONE, ONE)), "a IN (1, 1)"),
        (Not(In("a", (X,))), "a NOT IN ('x')"),
        (Not(Between("a", ONE, ONE)), "a NOT BETWEEN 1 AND 1"),
        (And(Between("a", X, X), A), "a BETWEEN 'x' AND 'x' AND a = 1"),
        (Not(Like("a", "%'_")), "a NOT LIKE '%''_'"),
        (Like("a", "#%", "#", ignores_case=True), "a ILIKE '#%' ESCAPE '#'"),
        (Not(Contains("a", "")), "a NOT CONTAINS ''"),
    ],
)
def test_a_tree_has_one_text(tree: Predicate, text: str) -> None:
    assert to_text(tree) == text
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("attributes.llm.model_name", "attributes.llm.model_name"),
        ("eval.Custom eval.label", '"eval.Custom eval.label"'),
        ("attributes.order", "attributes.order"),
        ("attributes.In.x", '"attributes.In.x"'),
        ("escape", '"escape"'),
        ("a.0", '"a.0"'),
        ("a-b", '"a-b"'),
        ("ключ", '"ключ"'),
        ('a"b', '"a""b"'),
        ("a..b", '"a..b"'),
        (".", '"."'),
        ("a\n", '"a\n"'),
    ],
)
def test_a_name_is_quoted_whole_where_it_must(name: str, text: str) -> None:
    assert identifier(name) == text
    assert parse(f"{text} = 1") == Compare(Comparison.EQ, name, ONE)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (-5.0, "-5"),
        (0.1, "0.1"),
        (9_999_999_999_999_998.0, "9999999999999998"),
        (1e16, "1e+16"),
        (9223372036854775807.0, "9.223372036854776e+18"),
        (1e22, "1e+22"),
        (5e-324, "5e-324"),
        (-1.7976931348623157e308, "-1.7976931348623157e+308"),
    ],
)
def test_a_number_is_short_and_exact(value: float, text: str) -> None:
    assert number(value) == text
    assert parse(f"a = {text}") == Compare(Comparison.EQ, "a", Literal(value, "DOUBLE"))


@pytest.mark.parametrize(
    "tree",
    [
        AlwaysTrue(),
        And(A, Opaque("f(x)", "f is not known")),
        IsNull(""),
        Compare(Comparison.EQ, "a", Literal(1, "BIGINT")),
        Compare(Comparison.EQ, "a", Literal(1, "DOUBLE")),
        Compare(Comparison.EQ, "a", Literal(value=True, type="DOUBLE")),
        Compare(Comparison.EQ, "a", Literal(math.nan, "DOUBLE")),
        Compare(Comparison.EQ, "a", Literal(math.inf, "DOUBLE")),
        In("a", (X, Literal(b"x", "BLOB"))),
        IsNull("a\udc00"),
    ],
)
def test_what_the_language_cannot_say_is_refused(tree: Predicate) -> None:
    with pytest.raises(
        ValueError, match=r"has no text in a filter|a name must not be empty|surrogates"
    ):
        to_text(tree)


def test_a_long_tree_prints_in_a_moment() -> None:
    many = Or(
        *(
            And(Not(A), Compare(Comparison.EQ, "a", Literal(f"{i}", "VARCHAR")))
            for i in range(7_000)
        )
    )
    names = In("context.trace_id", tuple(Literal(f"{i:032x}", "VARCHAR") for i in range(20_000)))
    deep: Predicate = A
    for _ in range(5_000):
        deep = Not(deep)
    began = time.process_time()
    text = to_text(And(many, Not(names), deep))
    assert time.process_time() - began < 2
    assert text.count(" OR ") == 6_999
    assert text.count("', '") == 19_999


@pytest.mark.parametrize("text", ["", "gpt-4o", "50%_", '"', "naïve é \u2028", "a\u00a0b"])
def test_plain_text_is_sendable(text: str) -> None:
    assert is_sendable_text(text)


@pytest.mark.parametrize("text", ["it's", "a\\", "\n", "\0", "\x7f", "\u200b", "\ud800", "\ue000"])
def test_a_quote_a_backslash_and_control_characters_are_not_sendable(text: str) -> None:
    assert not is_sendable_text(text)
    assert not is_sendable_name(f"attributes.{text}") or text == "it's"


def test_only_canonical_names_are_sendable() -> None:
    assert is_sendable_name("eval.it's.label")
    assert is_sendable_name("attributes.openinference.span.kind")
    for name in ("", 'a"b', "span_kind", "span.name", "evals.Q.label", "trace_id"):
        assert not is_sendable_name(name)
