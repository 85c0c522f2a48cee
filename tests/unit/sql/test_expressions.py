from __future__ import annotations

import pickle

import pytest

from spanduck_sql.expressions import (
    TIMESTAMP_TZ,
    AlwaysTrue,
    And,
    Compare,
    Comparison,
    In,
    IsNull,
    Literal,
    Not,
    Or,
    Predicate,
    all_of,
)
from spanduck_sql.pushdown import Window, window_of
from spanduck_sql.visitors import columns_of, push_not_down

A = Compare(Comparison.EQ, "a", Literal(1, "BIGINT"))
B = Compare(Comparison.GT, "b", Literal("it's", "VARCHAR"))


def start(op: str, at: int) -> Compare:
    return Compare(Comparison(op), "start_time", Literal(at, TIMESTAMP_TZ))


def test_a_predicate_is_a_value() -> None:
    tree = And(Or(A, Not(B)), IsNull("c"))
    assert tree == And(Or(A, Not(B)), IsNull("c"))
    assert hash(tree) == hash(And(Or(A, Not(B)), IsNull("c")))
    assert pickle.loads(pickle.dumps(tree)) == tree  # noqa: S301 - our own


@pytest.mark.parametrize(
    ("predicate", "text"),
    [
        (A, '"a" = 1'),
        (B, "\"b\" > 'it''s'"),
        (Not(IsNull('x"y')), '"x""y" IS NOT NULL'),
        (push_not_down(Not(A)), '"a" != 1'),
        (push_not_down(Not(A & B)), "(\"a\" != 1 OR \"b\" <= 'it''s')"),
        (
            push_not_down(Not(In("a", (Literal(1, "BIGINT"), Literal(2, "BIGINT"))))),
            '(NOT "a" IN (1, 2))',
        ),
        (start("<", 0), "\"start_time\" < TIMESTAMPTZ '1970-01-01 00:00:00+00:00'"),
        (start("<", 2**63 - 1), '"start_time" < make_timestamptz(9223372036854775807)'),
        (Compare(Comparison.EQ, "f", Literal(value=True, type="BOOLEAN")), '"f" = TRUE'),
        (AlwaysTrue(), "TRUE"),
    ],
)
def test_it_reads_as_sql(predicate: Predicate, text: str) -> None:
    assert str(predicate) == text


def test_columns_are_named_once() -> None:
    assert columns_of(And(Or(A, B), And(A, IsNull("c")))) == ("a", "b", "c")


def test_all_of_nothing_is_true() -> None:
    assert all_of(()) == AlwaysTrue()
    assert all_of((AlwaysTrue(), A)) == A


def test_not_moves_down_and_cancels() -> None:
    assert push_not_down(Not(Not(And(A, Not(B))))) == And(A, push_not_down(Not(B)))


def test_a_long_disjunction_is_no_deep_recursion() -> None:
    tree: Predicate = A
    for _ in range(2_000):
        tree = Or(tree, B)
    assert columns_of(tree) == ("a", "b")
    assert tree == Or(A, *[B] * 2_000)


@pytest.mark.parametrize(
    ("predicate", "window"),
    [
        (start("=", 5), Window(5, 6)),
        (start("<", 5), Window(None, 5)),
        (start("<=", 5), Window(None, 6)),
        (start(">", 5), Window(6, None)),
        (start(">=", 5), Window(5, None)),
        (start("!=", 5), Window()),
        (Not(start("!=", 5)), Window(5, 6)),
        (Not(start("<", 5)), Window(5, None)),
        (And(start(">", 1), start("<", 5)), Window(2, 5)),
        (Or(start("=", 1), start("=", 9)), Window(1, 10)),
        (Or(start("<", 1), start(">", 9)), Window()),
        (Or(And(start(">", 3), start("<", 2)), start("=", 7)), Window(7, 8)),
        (Or(start("=", 1), A), Window()),
        (And(start("=", 1), A), Window(1, 2)),
        (Not(Or(start("<", 3), A)), Window(3, None)),
        (In("start_time", (Literal(3, TIMESTAMP_TZ), Literal(1, TIMESTAMP_TZ))), Window(1, 4)),
        (Not(In("start_time", (Literal(3, TIMESTAMP_TZ),))), Window()),
        (IsNull("start_time"), Window()),
        (AlwaysTrue(), Window()),
        (Not(AlwaysTrue()), Window()),
        (A, Window()),
    ],
)
def test_the_window_holds_every_row_the_predicate_keeps(
    predicate: Predicate, window: Window
) -> None:
    assert window_of(predicate) == window
