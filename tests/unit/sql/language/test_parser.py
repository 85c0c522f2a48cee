from __future__ import annotations

import pickle
import time

import pytest

from spanduck_sql.errors import FilterError, FilterErrorCode
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
from spanduck_sql.language.parser import MAX_NESTING, parse
from spanduck_sql.language.printer import to_text
from spanduck_sql.language.tokens import MAX_TEXT


def text(value: str) -> Literal:
    return Literal(value, "VARCHAR")


def number(value: float) -> Literal:
    return Literal(float(value), "DOUBLE")


def equal(name: str, literal: Literal) -> Compare:
    return Compare(Comparison.EQ, name, literal)


A = equal("a", number(1))
B = equal("b", number(2))
C = equal("c", number(3))


@pytest.mark.parametrize(
    ("dsl", "tree"),
    [
        ("a=1 or b=2 and c=3", Or(A, And(B, C))),
        ("(a=1 or b=2) and c=3", And(Or(A, B), C)),
        ("not a=1 and b=2", And(Not(A), B)),
        ("not (a=1 and b=2)", Not(And(A, B))),
        ("not not a=1", Not(Not(A))),
        ("((a=1))and(b=2)or(c=3)", Or(And(A, B), C)),
        ("(a=1 and b=2) and c=3", And(A, B, C)),
        ("a between 1 and 2 and c=3", And(Between("a", number(1), number(2)), C)),
        ("a between .1 and .9", Between("a", number(0.1), number(0.9))),
        ("a not between 'x' and 'y'", Not(Between("a", text("x"), text("y")))),
        ("a in (1, .5, -2e1)", In("a", (number(1), number(0.5), number(-20)))),
        ("a in(true,FALSE)", In("a", (Literal(value=True, type="BOOLEAN"), Literal(value=False, type="BOOLEAN")))),
        ("a not in ('x')", Not(In("a", (text("x"),)))),
        ("a like 'x%' escape '#'", Like("a", "x%", "#")),
        ("a like '##' escape '#'", Like("a", "##", "#")),
        ("a not ilike ''", Not(Like("a", "", ignores_case=True))),
        ("a contains ''", Contains("a", "")),
        ("contains(a.b['c'], 'x')", Contains("a.b.c", "x")),
        ("Contains /* x */ (\"a\", 'x')", Contains("a", "x")),
        ("a = null", IsNull("a")),
        ("a <> null", Not(IsNull("a"))),
        ("not a != null", Not(Not(IsNull("a")))),
        ("a is\nnot\tnull", Not(IsNull("a"))),
        ("1 <= a", Compare(Comparison.GE, "a", number(1))),
        (".5 > a", Compare(Comparison.LT, "a", number(0.5))),
        ("'x' <> a", Compare(Comparison.NE, "a", text("x"))),
        ("'x' == a.\"b\"", equal("a.b", text("x"))),
        ("a = 'null'", equal("a", text("null"))),
        ("a = 9223372036854775807", equal("a", number(9223372036854775807))),
    ],
)  # fmt: skip
def test_a_filter_is_a_tree(dsl: str, tree: Predicate) -> None:
    assert parse(dsl) == tree


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("attributes . metadata . tier", "attributes.metadata.tier"),
        ('attributes."metadata"[tier]', "attributes.metadata.tier"),
        ("attributes[\"metadata\"]['ti''er']", "attributes.metadata.ti'er"),
        ("a[0].b.0[ in ].Is", "a.0.b.0.in.Is"),
        ("a['']", "a."),
        ('"a..b"', "a..b"),
        ('"a.b"."c.d"', "a.b.c.d"),
        ("a. 0 .b", "a.0.b"),
        ("a. /* x */ 007", "a.007"),
        ("a.x-1[y-2]", "a.x-1.y-2"),
        ("order", "order"),
        ('"in"', "in"),
        ("tag.in.like-this", "tag.in.like-this"),
        ("span_kind", "attributes.openinference.span.kind"),
        ("span.span_kind", "attributes.openinference.span.kind"),
        ('"span.trace_id"', "context.trace_id"),
        ("evals['Q'].score", "eval.Q.score"),
        ("span.attributes.x", "span.attributes.x"),
    ],
)
def test_a_path_is_one_name(written: str, name: str) -> None:
    assert parse(f"{written} = 1") == equal(name, number(1))
    assert parse(f"1 = {written}") == equal(name, number(1))
    assert parse(f"contains({written}, '')") == Contains(name, "")


def test_a_leaf_and_its_values_know_where_they_were_read() -> None:
    dsl = "é = 'x' AND 5 < a . \"b c\" ['d'] AND c IN (1, 'it''s')".replace("1, ", "'1', ")
    tree = parse(dsl)
    assert isinstance(tree, And)
    first, second, third = tree.operands
    assert isinstance(first, Compare)
    assert isinstance(second, Compare)
    assert isinstance(third, In)
    spans = [first.span, first.literal.span, second.span, second.literal.span, third.span]
    spans += [literal.span for literal in third.literals]
    assert [dsl[slice(*span)] for span in spans if span] == [
        *("é", "'x'", "a . \"b c\" ['d']", "5", "c", "'1'", "'it''s'")
    ]


def test_trees_compare_without_their_places() -> None:
    assert parse("a=1") == parse("  ( a  ==  1.0 )")
    assert pickle.loads(pickle.dumps(parse("a=1 or not b=2"))) == Or(A, Not(B))  # noqa: S301 - our own


@pytest.mark.parametrize(("opener", "closer"), [("(", ")"), ("NOT ", ""), ("not(", ")")])
def test_nesting_has_a_limit(opener: str, closer: str) -> None:
    times = MAX_NESTING // (2 if opener == "not(" else 1)
    assert parse(opener * times + "a=1" + closer * times)
    with pytest.raises(FilterError, match="nested more than 100 deep") as caught:
        parse(f"{opener * times}(a=1){closer * times}")
    assert caught.value.code is FilterErrorCode.SYNTAX
    assert caught.value.position == len(opener) * times
    # However much deeper: the text is refused before the interpreter's own limit.
    with pytest.raises(FilterError, match="nested more than 100 deep"):
        parse(opener * 15_000)


def test_a_long_filter_parses() -> None:
    dsl = " or ".join(f"context.trace_id = '{at:06x}' and not a in (1, 2)" for at in range(1_200))
    tree = parse(dsl)
    assert isinstance(tree, Or)
    assert len(tree.operands) == 1_200
    assert parse(to_text(tree)) == tree


@pytest.mark.parametrize(
    ("dsl", "code", "marked"),
    [
        ("status_code =", "syntax", ""),
        ("status_code = -- later\n", "syntax", ""),
        ("(a=1 and (b=2)", "syntax", "("),
        ("a=1 and (b=2 or", "syntax", ""),
        ("a in ('x', ", "syntax", "("),
        ("a in ('x'", "syntax", "("),
        ("contains(a, 'x'", "syntax", "("),
        ("contains(a", "syntax", "("),
        ("a['k' = 1", "syntax", "["),
        ("a[", "syntax", "["),
        ("a=1)", "syntax", ")"),
        ("a..b = 1", "syntax", "."),
        ("a = . 5", "syntax", ". 5"),
        ('a."" = 1', "syntax", '""'),
        ('a[""] = 1', "syntax", '""'),
        ("a[.5] = 1", "syntax", ".5"),
        ("null = a", "syntax", "null"),
        ("true = a", "syntax", "true"),
        ("'a' = 'b'", "syntax", "'b'"),
        ("'a' = null", "syntax", "null"),
        ("in = 1", "syntax", "in"),
        ("In.x = 1", "syntax", "In.x"),
        ("a = (1)", "syntax", "("),
        ("a = (select 1)", "literal_expected", "("),
        ("a in (select 1)", "literal_expected", "select"),
        ("a = lower('x')", "literal_expected", "lower"),
        ("a like b", "literal_expected", "b"),
        ('a between 1 and "b"', "literal_expected", '"b"'),
        ("a in ('x', null)", "null_in_list", "null"),
        ("a not in (null)", "null_in_list", "null"),
        ("a < null", "null_compare", "null"),
        ("a like null", "null_compare", "null"),
        ("a contains NULL", "null_compare", "NULL"),
        ("a between null and 1", "null_compare", "null"),
        ("a between 1 and null", "null_compare", "null"),
        ("a like 'x' escape null", "null_compare", "null"),
        ("a in ('x', true)", "type_mismatch", "true"),
        ("a between 1 and 'x'", "type_mismatch", "'x'"),
        ("a between true and true", "type_mismatch", "true"),
        ("a >= false", "type_mismatch", "false"),
        ("a contains 5", "type_mismatch", "5"),
        ("contains(a, true)", "type_mismatch", "true"),
        ("a like 'x' escape 5", "type_mismatch", "5"),
        ("a like 'x' escape ''", "syntax", "''"),
        ("a like 'x#' escape '#'", "syntax", "'x#'"),
        ("a like 'x###' escape '#'", "syntax", "'x###'"),
        ("a = 1e309", "syntax", "1e309"),
        ("a not = 1", "syntax", "="),
        ("a not null", "syntax", "null"),
        ("a is 1", "syntax", "1"),
        ("a = 1 2", "syntax", "2"),
        ("a = 1 as x", "syntax", "as"),
        ("a = 1;", "syntax", ";"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(dsl: str, code: str, marked: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(dsl)
    error = caught.value
    assert error.code == code
    assert error.text == dsl
    assert dsl[error.position : error.end] == marked
    if not marked:
        # One past the last token, comments left out.
        assert error.position == len(dsl.partition("-- ")[0].rstrip())


def test_a_report_is_as_the_reference_shows_it() -> None:
    with pytest.raises(FilterError) as caught:
        parse('status_code = "ERROR"')
    assert str(caught.value) == (
        "[literal_expected] a value is expected here, found a field name (col 15)\n"
        '  status_code = "ERROR"\n'
        "                ^^^^^^^\n"
        "  hint: string values use single quotes: 'ERROR'"
    )


def test_no_hint_repeats_a_long_text() -> None:
    long = "x" * 60_000
    for dsl in (f"a = {long}", f'a = "{long}"', f"{long} {long[:5_000]} = 1", f"a in '{long}'"):
        with pytest.raises(FilterError) as caught:
            parse(dsl)
        assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a=1 or ",
            "not a=1 and ",
            "(a=1) or ",
            "a in (1) or ",
            "((",
            "not ",
            "a=(",
            "a.b[0]",
            "a[",
        ),
        *("a b ", "a=b b ", "a ( b ", "a & ", "eval.a & b ", "a=1,", "a='x' 'y' ", "a = not b "),
        *("a like '##' escape '#' or ", "a = '##", "a in ('x','y',", "1", "a between 1 and "),
    ],
)
def test_no_text_takes_more_than_linear_time(piece: str) -> None:
    dsl = (piece * MAX_TEXT)[:MAX_TEXT]
    began = time.process_time()
    try:
        parse(dsl)
    except FilterError as error:
        report = str(error)
        assert len(report) < 1_000
    # Dozens of times what it takes; quadratic, it would take minutes.
    assert time.process_time() - began < 5
