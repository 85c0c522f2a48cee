"""From a WHERE condition, as sqlglot parses DuckDB's SQL, to a predicate.

An allow-list: a node is read if it is known with all its arguments, and is `Opaque` otherwise, with
the columns it reads and the reason. Nothing is guessed: NOT LIKE is a flag of `Like` in sqlglot, so
a reader that ignores arguments turns predicates round.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
from sqlglot import exp

from spanduck_sql.constants import literal, number_type, timestamp
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
from spanduck_sql.opaque import reason_of, sql_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    ColumnOf = Callable[[exp.Column], str | None]

MAX_LEVELS: Final = 100
"""Deeper conditions stay with the engine."""

_COMPARISONS: Final[dict[type[exp.Expr], Comparison]] = {
    exp.EQ: Comparison.EQ,
    exp.NEQ: Comparison.NE,
    exp.LT: Comparison.LT,
    exp.LTE: Comparison.LE,
    exp.GT: Comparison.GT,
    exp.GTE: Comparison.GE,
}
_FLIPPED: Final = {
    Comparison.EQ: Comparison.EQ,
    Comparison.NE: Comparison.NE,
    Comparison.LT: Comparison.GT,
    Comparison.LE: Comparison.GE,
    Comparison.GT: Comparison.LT,
    Comparison.GE: Comparison.LE,
}
# What is said of the place where a text is found, which is 0 for nowhere and from 1 on else.
_IS_FOUND: Final = frozenset({(Comparison.GT, 0), (Comparison.GE, 1), (Comparison.NE, 0)})
_IS_MISSING: Final = frozenset({(Comparison.EQ, 0), (Comparison.LT, 1), (Comparison.LE, 0)})


def predicate_of(
    condition: exp.Expr,
    column_of: ColumnOf,
    *,
    types: Mapping[str, pa.DataType] | None = None,
) -> Predicate:
    """Return a condition as a tree over SQL columns, with literals of SQL types.

    Args:
        condition: Parsed with the `duckdb` dialect. It is not changed.
        column_of: The span column a name stands for; None when it is another table's, or none.
        types: Types of those columns. With them, casts that change nothing are read through, and a
            text with a time zone is a time where the column is one.
    """
    return _Reader(column_of, types or {}).read(condition)


class _Reader:
    def __init__(self, column_of: ColumnOf, types: Mapping[str, pa.DataType]) -> None:
        self._column_of = column_of
        self._types = types

    # Without recursion: a condition of ten thousand alternatives is as many levels deep in sqlglot.
    def read(self, condition: exp.Expr) -> Predicate:
        made: list[Predicate] = []
        pending: list[tuple[exp.Expr, int, int]] = [(condition, 0, -1)]
        while pending:
            node, level, operands = pending.pop()
            if operands >= 0:
                made[len(made) - operands :] = [_combined(node, made[len(made) - operands :])]
                continue
            node = _bare(node)
            inner = _operands(node) if level < MAX_LEVELS else ()
            if inner:
                pending.append((node, level, len(inner)))
                pending += [(operand, level + 1, -1) for operand in reversed(inner)]
            elif isinstance(node, exp.And | exp.Or | exp.Not):
                made.append(self._opaque(node, f"it is more than {MAX_LEVELS} levels deep"))
            else:
                made.append(self._leaf(node))
        return made[0]

    def _leaf(self, node: exp.Expr) -> Predicate:
        read = _LEAVES.get(type(node))
        found = None if read is None else read(self, node)
        return self._opaque(node) if found is None else found

    def _opaque(self, node: exp.Expr, reason: str | None = None) -> Opaque:
        names = (self._column_of(column) for column in node.find_all(exp.Column))
        columns = tuple(dict.fromkeys(name for name in names if name is not None))
        return Opaque(sql_of(node), reason or reason_of(node), columns)

    def boolean(self, node: exp.Expr) -> Predicate | None:
        return AlwaysTrue() if node.this else Not(AlwaysTrue())

    def flag(self, node: exp.Expr) -> Predicate | None:
        name = self._column(node)
        if name is None or not pa.types.is_boolean(self._types.get(name, pa.bool_())):
            return None
        return Compare(Comparison.EQ, name, Literal(value=True, type="BOOLEAN"))

    def comparison(self, node: exp.Expr) -> Predicate | None:
        op = _COMPARISONS[type(node)]
        if not _has_only(node, "this", "expression"):
            return None
        left, right = _bare(node.this), _bare(node.expression)
        if literal(left) is not None:
            left, right, op = right, left, _FLIPPED[op]
        if isinstance(left, exp.StrPosition):
            return self._found(op, left, right)
        name = self._column(left)
        value = self._literal(name, right)
        return None if name is None or value is None else Compare(op, name, value)

    def _found(self, op: Comparison, place: exp.Expr, right: exp.Expr) -> Predicate | None:
        value = literal(right)
        found = self._search(place, place.args.get("substr"), "this", "substr")
        if found is None or value is None or not isinstance(value.value, int):
            return None
        if (op, value.value) in _IS_FOUND:
            return found
        return Not(found) if (op, value.value) in _IS_MISSING else None

    def is_in(self, node: exp.Expr) -> Predicate | None:
        if not _has_only(node, "this", "expressions"):
            return None
        name = self._column(node.this)
        values = [self._literal(name, item) for item in node.expressions]
        known = tuple(value for value in values if value is not None)
        if name is None or not known or len(known) < len(values):
            return None
        return In(name, known) if len({number_type(value) for value in known}) == 1 else None

    def between(self, node: exp.Expr) -> Predicate | None:
        if not _has_only(node, "this", "low", "high"):
            return None
        name = self._column(node.this)
        low = self._literal(name, node.args["low"])
        high = self._literal(name, node.args["high"])
        if name is None or low is None or high is None or number_type(low) != number_type(high):
            return None
        return Between(name, low, high)

    def is_null(self, node: exp.Expr) -> Predicate | None:
        if not _has_only(node, "this", "expression") or not isinstance(node.expression, exp.Null):
            return None
        name = self._column(node.this)
        return None if name is None else IsNull(name)

    def like(self, node: exp.Expr, escape: str | None = None) -> Predicate | None:
        if not _has_only(node, "this", "expression", "negate"):
            return None
        name, pattern = self._column(node.this), _text(node.expression)
        if name is None or pattern is None:
            return None
        found = Like(name, pattern, escape, ignores_case=isinstance(node, exp.ILike))
        return Not(found) if node.args.get("negate") else found

    def escape(self, node: exp.Expr) -> Predicate | None:
        char = _text(node.expression)
        is_like = isinstance(node.this, exp.Like | exp.ILike)
        if not is_like or not _has_only(node, "this", "expression") or char is None:
            return None
        return self.like(node.this, char or None) if len(char) < 2 else None

    def contains(self, node: exp.Expr) -> Predicate | None:
        return self._search(node, node.expression, "this", "expression")

    def starts_with(self, node: exp.Expr) -> Predicate | None:
        found = self._search(node, node.expression, "this", "expression")
        return None if found is None else _edge(found.column, found.text, after="%")

    def ends_with(self, node: exp.Expr) -> Predicate | None:
        found = self._search(node, node.expression, "this", "expression")
        return None if found is None else _edge(found.column, found.text, before="%")

    def function(self, node: exp.Expr) -> Predicate | None:
        name = node.this.lower() if isinstance(node.this, str) else ""
        arguments = node.expressions
        if name not in ("prefix", "suffix") or len(arguments) != 2:
            return None
        if not _has_only(node, "this", "expressions"):
            return None
        column, text = self._column(arguments[0]), _text(arguments[1])
        if column is None or text is None:
            return None
        return _edge(column, text, after="%") if name == "prefix" else _edge(column, text, "%")

    def _search(self, node: exp.Expr, sought: exp.Expr | None, *keys: str) -> Contains | None:
        name, text = self._column(node.this), None if sought is None else _text(sought)
        if name is None or text is None or not _has_only(node, *keys):
            return None
        return Contains(name, text)

    def _column(self, node: exp.Expr) -> str | None:
        node = _bare(node)
        if isinstance(node, exp.Cast):
            name = self._column(node.this)
            is_lossless = name is not None and _is_lossless(self._types.get(name), node)
            return name if is_lossless else None
        if not isinstance(node, exp.Column) or not _has_only(
            node, "this", "table", "db", "catalog"
        ):
            return None
        return self._column_of(node)

    def _literal(self, column: str | None, node: exp.Expr) -> Literal | None:
        found = literal(_bare(node))
        kind = None if column is None else self._types.get(column)
        if found is None or kind is None or found.type != "VARCHAR":
            return found
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            return timestamp(str(found.value))
        return found


def _combined(node: exp.Expr, operands: Sequence[Predicate]) -> Predicate:
    if isinstance(node, exp.Not):
        return Not(operands[0])
    return And(*operands) if isinstance(node, exp.And) else Or(*operands)


def _operands(node: exp.Expr) -> tuple[exp.Expr, ...]:
    """Return what AND, OR and NOT combine, chains of one kind taken apart; nothing of a leaf."""
    if isinstance(node, exp.Not):
        return (node.this,) if _has_only(node, "this") else ()
    if not isinstance(node, exp.And | exp.Or):
        return ()
    found: list[exp.Expr] = []
    pending = [node.expression, node.this]
    while pending:
        inner = _bare(pending.pop())
        if type(inner) is type(node) and _has_only(inner, "this", "expression"):
            pending += [inner.expression, inner.this]
        else:
            found.append(inner)
    return tuple(found)


def _bare(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Paren) and _has_only(node, "this"):
        node = node.this
    return node


def _has_only(node: exp.Expr, *keys: str) -> bool:
    """Tell whether no other argument of `node` is set."""
    return all(key in keys or value in (None, False, []) for key, value in node.args.items())


def _text(node: exp.Expr) -> str | None:
    found = literal(_bare(node))
    is_text = found is not None and found.type == "VARCHAR"
    return str(found.value) if found is not None and is_text else None


def _edge(column: str, text: str, before: str = "", after: str = "") -> Like:
    """Return LIKE for a text at one end, each of whose characters is ordinary."""
    is_plain = not any(char in "%_" for char in text)
    if is_plain:
        return Like(column, f"{before}{text}{after}")
    escaped = "".join(f"\\{char}" if char in "%_\\" else char for char in text)
    return Like(column, f"{before}{escaped}{after}", "\\")


_SAME: Final[dict[exp.DType, pa.DataType]] = {
    exp.DType.TEXT: pa.string(),
    exp.DType.VARCHAR: pa.string(),
    exp.DType.BIGINT: pa.int64(),
    exp.DType.DOUBLE: pa.float64(),
    exp.DType.BOOLEAN: pa.bool_(),
}


def _is_lossless(kind: pa.DataType | None, cast: exp.Cast) -> bool:
    """Tell whether a comparison of the cast column is one of the column itself."""
    to = cast.to
    if kind is None or not _has_only(cast, "this", "to", "safe") or not _has_only(to, "this"):
        return False
    is_widened = pa.types.is_integer(kind) and to.this is exp.DType.DOUBLE
    return is_widened or _SAME.get(to.this) == kind


_LEAVES: Final[dict[type[exp.Expr], Callable[[_Reader, exp.Expr], Predicate | None]]] = {
    **dict.fromkeys(_COMPARISONS, _Reader.comparison),
    exp.Anonymous: _Reader.function,
    exp.Between: _Reader.between,
    exp.Boolean: _Reader.boolean,
    exp.Cast: _Reader.flag,
    exp.Column: _Reader.flag,
    exp.Contains: _Reader.contains,
    exp.EndsWith: _Reader.ends_with,
    exp.Escape: _Reader.escape,
    exp.ILike: _Reader.like,
    exp.In: _Reader.is_in,
    exp.Is: _Reader.is_null,
    exp.Like: _Reader.like,
    exp.StartsWith: _Reader.starts_with,
}
