"""Predicates applied to batches exactly as DuckDB would apply them."""

from __future__ import annotations

import math
from functools import reduce
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._scan.scalars import array, scalar
from spanduck_sql.expressions import (
    TIMESTAMP_TZ,
    Between,
    Compare,
    Comparison,
    Contains,
    In,
    IsNull,
    Like,
    Literal,
    Opaque,
    Predicate,
)
from spanduck_sql.schema import JSON_TYPE
from spanduck_sql.visitors import Visitor, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Columns = Callable[[str], pa.Array]

_SQL_NAME_BY_TYPE: Final = {
    pa.bool_(): "BOOLEAN",
    pa.int64(): "BIGINT",
    pa.uint64(): "UBIGINT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): TIMESTAMP_TZ,
    pa.timestamp("us"): "TIMESTAMP",
}

_COMPARE: Final = {
    Comparison.EQ: pc.equal,
    Comparison.NE: pc.not_equal,
    Comparison.LT: pc.less,
    Comparison.LE: pc.less_equal,
    Comparison.GT: pc.greater,
    Comparison.GE: pc.greater_equal,
}
_UNKNOWN: Final = pa.nulls(1, pa.bool_())[0]
# What a NaN answers, being greater than every number a predicate may name.
_NAN: Final = {
    Comparison.EQ: False,
    Comparison.NE: True,
    Comparison.LT: False,
    Comparison.LE: False,
    Comparison.GT: True,
    Comparison.GE: True,
}


def is_exact(predicate: Predicate, types: Mapping[str, pa.DataType]) -> bool:
    """Tell whether `keep` answers `predicate` as DuckDB would, on columns of these types."""
    return fold(predicate, _IsExact(types))


def keep(predicate: Predicate, columns: Columns, rows: int) -> pa.Array:
    """Return which rows of a batch satisfy `predicate`: booleans, null where it is unknown.

    Args:
        predicate: One that `is_exact` agreed to.
        columns: The batch's columns by name.
        rows: Rows of the batch.
    """
    return fold(predicate, _Keep(columns, rows))


def _left_to_engine(predicate: Predicate) -> TypeError:
    """Return the error for a kind of predicate that `is_exact` never agrees to."""
    return TypeError(f"{predicate} is the engine's to apply")


class _IsExact(Visitor[bool]):
    def __init__(self, types: Mapping[str, pa.DataType]) -> None:
        self._types = types

    def always_true(self) -> bool:
        return True

    def compare(self, predicate: Compare) -> bool:
        return self._fits(predicate.column, predicate.literal)

    def is_in(self, predicate: In) -> bool:
        return all(self._fits(predicate.column, literal) for literal in predicate.literals)

    def is_null(self, predicate: IsNull) -> bool:
        return predicate.column in self._types

    # The engine offers no others; it keeps them.
    def between(self, predicate: Between) -> bool:  # noqa: ARG002
        return False

    def like(self, predicate: Like) -> bool:  # noqa: ARG002
        return False

    def contains(self, predicate: Contains) -> bool:  # noqa: ARG002
        return False

    def opaque(self, predicate: Opaque) -> bool:  # noqa: ARG002
        return False

    def all_of(self, operands: Sequence[bool]) -> bool:
        return all(operands)

    def any_of(self, operands: Sequence[bool]) -> bool:
        return all(operands)

    def negated(self, operand: bool) -> bool:
        return operand

    def _fits(self, column: str, literal: Literal) -> bool:
        kind = self._types.get(column)
        if kind is None or _SQL_NAME_BY_TYPE.get(kind) != literal.type:
            return False
        value = literal.value
        return not isinstance(value, float) or math.isfinite(value)


class _Keep(Visitor[pa.Array]):
    def __init__(self, columns: Columns, rows: int) -> None:
        self._columns = columns
        self._rows = rows

    def always_true(self) -> pa.Array:
        return pc.is_null(pa.nulls(self._rows))

    def compare(self, predicate: Compare) -> pa.Array:
        values = self._columns(predicate.column)
        answer = _COMPARE[predicate.op](values, scalar(predicate.literal.value, values.type))
        if not pa.types.is_floating(values.type):
            return answer
        return pc.if_else(pc.is_nan(values), scalar(_NAN[predicate.op], pa.bool_()), answer)

    def is_in(self, predicate: In) -> pa.Array:
        values = self._columns(predicate.column)
        # Adding zero makes -0.0 the same bits as 0.0, which is how membership compares.
        among = array([literal.value for literal in predicate.literals], values.type)
        if pa.types.is_floating(values.type):
            zero = scalar(0.0, values.type)
            values, among = pc.add(values, zero), pc.add(among, zero)
        found = pc.is_in(values, value_set=among)
        # NULL among constants is unknown; Arrow says no.
        return pc.if_else(pc.is_valid(values), found, _UNKNOWN)

    def is_null(self, predicate: IsNull) -> pa.Array:
        values = self._columns(predicate.column)
        return pc.is_null(values.storage if values.type == JSON_TYPE else values)

    def between(self, predicate: Between) -> pa.Array:
        raise _left_to_engine(predicate)

    def like(self, predicate: Like) -> pa.Array:
        raise _left_to_engine(predicate)

    def contains(self, predicate: Contains) -> pa.Array:
        raise _left_to_engine(predicate)

    def opaque(self, predicate: Opaque) -> pa.Array:
        raise _left_to_engine(predicate)

    def all_of(self, operands: Sequence[pa.Array]) -> pa.Array:
        return reduce(pc.and_kleene, operands)

    def any_of(self, operands: Sequence[pa.Array]) -> pa.Array:
        return reduce(pc.or_kleene, operands)

    def negated(self, operand: pa.Array) -> pa.Array:
        return pc.invert(operand)
