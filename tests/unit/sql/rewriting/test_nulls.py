from __future__ import annotations

import pytest

from spanduck_sql.expressions import AlwaysTrue, And, IsNull, Like, Not, Opaque, Or, Predicate
from spanduck_sql.rewriting.nulls import keeps_nulls

LIKE, NULL = Like("a", "x"), IsNull("a")
ENGINE = Opaque("f(a)", "a function", ("a",))


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (LIKE, False),
        (Not(LIKE), False),
        (NULL, True),
        (Not(NULL), False),
        (ENGINE, True),
        (AlwaysTrue(), True),
        (And(ENGINE, LIKE), False),
        (Or(ENGINE, LIKE), True),
        (Not(And(NULL, ENGINE)), True),
        (And(NULL, Not(NULL)), False),
        (Or(LIKE, Not(LIKE)), False),
        (Not(And(LIKE, Not(NULL))), True),
    ],
)
def test_a_row_of_nulls_is_kept_only_by_what_may_be_true_of_it(
    predicate: Predicate, expected: bool
) -> None:
    assert keeps_nulls(predicate) is expected
