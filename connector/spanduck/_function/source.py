"""The one module that touches duckdb's private source protocol.

`duckdb._sources` and `_register_source` may change with any release: the dependency is pinned, and
`tests/integration/table_function/test_source_protocol.py` fails when they do.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

import pyarrow as pa
from duckdb._sources import ArrowScanSource, nodes

from spanduck._function.reporting import reporting, without_frames
from spanduck_sql.expressions import (
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

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import duckdb

# Deeper trees stay with the engine: Python's own stack is the limit.
_MOST_LEVELS: Final = 100
_COMPARISONS: Final = frozenset(Comparison)


class Relation(Protocol):
    """What a call of a table function stands for: a schema, and rows that can be read often."""

    @property
    def schema(self) -> pa.Schema:
        """SQL names and types, as declared to the engine."""

    @property
    def row_estimate(self) -> int | None:
        """About how many rows there are, for the engine's plan."""

    def accepts(self, predicate: Predicate) -> bool:
        """Whether every reading holds only rows where `predicate` is true, exactly."""

    def read(self, columns: Sequence[str], predicates: Sequence[Predicate]) -> pa.RecordBatchReader:
        """Return a reader of these columns in this order; it is closed when it is let go of."""


class RelationSource(pa.Table, ArrowScanSource):  # type: ignore[misc]
    """A `Relation` as the engine's Arrow scan wants it.

    Both base classes are needed: the registration takes pyarrow's classes only, and uses a `Source`
    among them as it is. A table, because `pyarrow.dataset` imports pandas, which takes longer than
    all the rest. There is no table behind it: none of its native methods may be called.

    Args:
        relation: What is read.
        reported: Turns an error of ours into the one the engine shows.
    """

    schema_is_stable = True

    def __init__(self, relation: Relation, reported: Callable[[Exception], Exception]) -> None:
        self.obj = self
        self._relation = relation
        self._reported = reported

    def __repr__(self) -> str:
        return f"RelationSource({self._relation!r})"

    @property
    def schema(self) -> pa.Schema:
        """The declared schema."""
        return self._relation.schema

    def __arrow_c_schema__(self) -> object:
        """The declared schema, as the engine takes it."""
        capsule: object = self._relation.schema.__arrow_c_schema__()
        return capsule

    def rows(self) -> int | None:
        """The cardinality estimate in the engine's plan."""
        return self._relation.row_estimate

    def accepts(self, predicate: nodes.Node) -> bool:
        """Whether the engine may leave this conjunct to us."""
        ours = to_predicate(predicate)
        return ours is not None and self._relation.accepts(ours)

    def stream(
        self, columns: Sequence[int] | None, filters: Sequence[nodes.Node]
    ) -> tuple[object, bool]:
        """A stream of the declared columns at these indexes, of rows that satisfy the filters."""
        names = self._relation.schema.names
        chosen = names if columns is None else [names[index] for index in columns]
        predicates = [ours for node in filters if (ours := to_predicate(node)) is not None]
        try:
            reader = self._relation.read(chosen, predicates)
        except Exception as exc:  # noqa: BLE001 - without its frames
            raise without_frames(self._reported(exc)) from None
        guarded = reporting(reader, self._reported)
        return guarded.__arrow_c_stream__(), columns is not None


def register(cursor: duckdb.DuckDBPyConnection, source: RelationSource) -> Any:
    """Make `source` readable on the whole database, by the name of the handle returned.

    The handle does not keep the database open. What reads from it keeps working after it is gone.
    """
    return cursor._register_source(source)  # noqa: SLF001 - the private hook


def to_predicate(node: nodes.Node, level: int = 0) -> Predicate | None:
    """Return the engine's predicate as ours, or None when it says something ours cannot."""
    if level > _MOST_LEVELS:
        return None
    match node:
        case nodes.Binary(op="AND" | "OR" as op, left=left, right=right):
            first, second = to_predicate(left, level + 1), to_predicate(right, level + 1)
            if first is None or second is None:
                return None
            return And(first, second) if op == "AND" else Or(first, second)
        case nodes.Unary(op="NOT", operand=operand):
            inner = to_predicate(operand, level + 1)
            return None if inner is None else Not(inner)
        case nodes.Binary(op=op, left=nodes.Col(parts=(name,)), right=nodes.Lit() as constant):
            literal = _literal(constant)
            if literal is None or op not in _COMPARISONS:
                return None
            return Compare(Comparison(op), name, literal)
        case nodes.Postfix(op="IS NULL", operand=nodes.Col(parts=(name,))):
            return IsNull(name)
        case nodes.Postfix(op="IS NOT NULL", operand=nodes.Col(parts=(name,))):
            return Not(IsNull(name))
        case nodes.In(operand=nodes.Col(parts=(name,)), values=values) if values:
            literals = [_literal(value) for value in values]
            known = tuple(literal for literal in literals if literal is not None)
            return In(name, known) if len(known) == len(literals) else None
    return None


# Python has no infinite dates: these stand for them, and for themselves.
_AMBIGUOUS: Final = frozenset(
    {date.min, date.max, datetime.min, datetime.max}  # noqa: DTZ901 - compared with naive ones
)


def _literal(node: nodes.Node) -> Literal | None:
    if not isinstance(node, nodes.Lit) or not nodes.exact_value(node):
        return None
    if isinstance(node.value, date) and node.value in _AMBIGUOUS:
        return None
    return Literal(node.value, node.type)
