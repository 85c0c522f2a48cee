from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from spanduck._scan.residual import is_exact, keep
from spanduck._scan.scalars import array, scalar
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
)

YES = True
COLUMNS = {
    "d": pa.array([1.0, math.nan, None, 0.0]),
    "n": pa.array([1, 2, None, -1]),
    "s": pa.array(["a", "", None, "ä"]),
    "t": pa.array([0, 1, None, 2**62], pa.int64()).view(pa.timestamp("us", "UTC")),
    "b": pa.array([True, False, None, True]),
}
TYPES = {name: values.type for name, values in COLUMNS.items()}


def answers(predicate: Predicate) -> list[bool | None]:
    assert is_exact(predicate, TYPES)
    found: list[bool | None] = keep(predicate, COLUMNS.__getitem__, 4).to_pylist()
    return found


def compare(column: str, op: str, value: Any, kind: str) -> Compare:
    return Compare(Comparison(op), column, Literal(value, kind))


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (compare("d", ">", 5.0, "DOUBLE"), [False, True, None, False]),
        (compare("d", "<", 5.0, "DOUBLE"), [True, False, None, True]),
        (compare("d", "!=", 1.0, "DOUBLE"), [False, True, None, True]),
        (compare("d", "=", -0.0, "DOUBLE"), [False, False, None, True]),
        (In("d", (Literal(-0.0, "DOUBLE"), Literal(1.0, "DOUBLE"))), [True, False, None, True]),
        (compare("n", ">=", 2, "BIGINT"), [False, True, None, False]),
        (compare("s", ">", "a", "VARCHAR"), [False, False, None, True]),
        (In("s", (Literal("", "VARCHAR"),)), [False, True, None, False]),
        (compare("t", "<", 2**62, TIMESTAMP_TZ), [True, True, None, False]),
        (In("t", (Literal(1, TIMESTAMP_TZ),)), [False, True, None, False]),
        (compare("b", "=", YES, "BOOLEAN"), [True, False, None, True]),
        (compare("b", "<", YES, "BOOLEAN"), [False, True, None, False]),
        (IsNull("d"), [False, False, True, False]),
        (Not(IsNull("d")), [True, True, False, True]),
        (Not(compare("n", "=", 1, "BIGINT")), [False, True, None, True]),
        (Or(IsNull("n"), compare("n", "=", 1, "BIGINT")), [True, False, True, False]),
        (And(Not(IsNull("n")), compare("n", "=", 1, "BIGINT")), [True, False, False, False]),
        (AlwaysTrue(), [True] * 4),
    ],
)
def test_it_answers_as_duckdb_does(predicate: Predicate, expected: list[bool | None]) -> None:
    assert answers(predicate) == expected


@pytest.mark.parametrize(
    "predicate",
    [
        compare("d", "=", math.nan, "DOUBLE"),
        compare("d", "<", math.inf, "DOUBLE"),
        compare("d", "=", 1, "INTEGER"),
        compare("absent", "=", 1, "BIGINT"),
        compare("s", "=", "a", "JSON"),
        compare("n", "=", Decimal(1), "DECIMAL(3,1)"),
        IsNull("absent"),
        And(IsNull("n"), IsNull("absent")),
    ],
)
def test_what_it_cannot_answer_stays_with_the_engine(predicate: Predicate) -> None:
    assert not is_exact(predicate, TYPES)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, pa.int64()),
        (-(2**63), pa.int64()),
        (2**64 - 1, pa.uint64()),
        (1.5, pa.float64()),
        ("it's", pa.string()),
        ("", pa.string()),
        (b"\0x", pa.binary()),
        (True, pa.bool_()),
        (False, pa.bool_()),
        (date(1969, 7, 20), pa.date32()),
        (datetime(1969, 7, 20, 20, 17, 40, 5), pa.timestamp("us")),  # noqa: DTZ001
    ],
)
def test_a_scalar_from_its_bytes_is_the_same_scalar(value: object, kind: pa.DataType) -> None:
    assert scalar(value, kind) == pa.scalar(value, kind)
    assert array([value, value, value], kind).to_pylist() == [value] * 3


def test_many_booleans_are_packed() -> None:
    values: list[object] = [index % 3 == 0 for index in range(20)]
    assert array(values, pa.bool_()).to_pylist() == values
