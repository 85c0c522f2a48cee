"""A bound filter as a condition in SQL, as sqlglot nodes.

Written for DuckDB, where no stored value makes it fail: what cannot be read as the type it is
compared as is NULL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp

from spanduck_sql.expressions import Comparison
from spanduck_sql.language import nodes
from spanduck_sql.language.binding import Reading, is_document, list_position, reading
from spanduck_sql.language.columns import StoredKind
from spanduck_sql.language.values import (
    TIMESTAMP_PATTERN,
    microseconds_in,
    timestamp_in,
)
from spanduck_sql.schema import LATENCY_MS
from spanduck_sql.visitors import Visitor, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from spanduck_sql.expressions import (
        Between,
        Compare,
        Contains,
        In,
        IsNull,
        Like,
        Literal,
        Opaque,
        Span,
    )
    from spanduck_sql.language.binding import BoundField, BoundFilter
    from spanduck_sql.language.columns import Column

_Type = exp.DType
_TYPE_BY_READING: Final = {
    Reading.TEXT: _Type.VARCHAR,
    Reading.NUMBER: _Type.DOUBLE,
    Reading.BOOLEAN: _Type.BOOLEAN,
    Reading.TIMESTAMP: _Type.TIMESTAMPTZ,
}
_NODE_BY_COMPARISON: Final[dict[Comparison, type[exp.Binary]]] = {
    Comparison.EQ: exp.EQ,
    Comparison.NE: exp.NEQ,
    Comparison.LT: exp.LT,
    Comparison.LE: exp.LTE,
    Comparison.GT: exp.GT,
    Comparison.GE: exp.GTE,
}


def condition(
    bound: BoundFilter,
    value_of: Callable[[Column], exp.Expr] | None = None,
    *,
    portable: bool = False,
) -> exp.Expr:
    """Return the condition that is TRUE, FALSE or NULL wherever the filter is.

    Args:
        bound: What `bind` returns.
        value_of: The SQL value of a column, of the type that its kind says; by default the column
            by its name in SQL.
        portable: Let every dialect of sqlglot write it. For others than DuckDB, numbers and
            booleans in text are then what that database takes for such.
    """
    return fold(bound.predicate, _Generation(bound.fields, value_of, portable))


class _Generation(Visitor[exp.Expr]):
    def __init__(
        self,
        fields: Mapping[str, BoundField],
        value_of: Callable[[Column], exp.Expr] | None,
        portable: bool,
    ) -> None:
        self._fields = fields
        self._value_of = value_of
        self._is_portable = portable

    # --- predicates ---

    def always_true(self) -> exp.Expr:
        return exp.Boolean(this=True)

    def opaque(self, predicate: Opaque) -> exp.Expr:
        raise TypeError(f"{predicate} is not part of the filter language")

    def all_of(self, operands: Sequence[exp.Expr]) -> exp.Expr:
        joined, *others = (
            exp.Paren(this=operand) if isinstance(operand, exp.Or) else operand
            for operand in operands
        )
        for operand in others:
            joined = exp.And(this=joined, expression=operand)
        return joined

    def any_of(self, operands: Sequence[exp.Expr]) -> exp.Expr:
        joined, *others = operands
        for operand in others:
            joined = exp.Or(this=joined, expression=operand)
        return joined

    def negated(self, operand: exp.Expr) -> exp.Expr:
        if isinstance(operand, exp.Connector):
            operand = exp.Paren(this=operand)
        return exp.Not(this=operand)

    def compare(self, predicate: Compare) -> exp.Expr:
        field = self._fields[predicate.column]
        read = reading(field, predicate.literal)
        return _NODE_BY_COMPARISON[predicate.op](
            this=self._read(field, read, (predicate.literal,), predicate.span),
            expression=self._literal(field, read, predicate.literal),
        )

    def is_in(self, predicate: In) -> exp.Expr:
        field = self._fields[predicate.column]
        groups: dict[Reading, list[Literal]] = {}
        for literal in predicate.literals:
            groups.setdefault(reading(field, literal), []).append(literal)
        return self.any_of(
            [
                exp.In(
                    this=self._read(field, read, literals, predicate.span),
                    expressions=[self._literal(field, read, literal) for literal in literals],
                )
                for read, literals in groups.items()
            ]
        )

    def between(self, predicate: Between) -> exp.Expr:
        field = self._fields[predicate.column]
        low, high = predicate.low, predicate.high
        reads = reading(field, low), reading(field, high)
        if reads[0] is reads[1]:
            return exp.Between(
                this=self._read(field, reads[0], (low, high), predicate.span),
                low=self._literal(field, reads[0], low),
                high=self._literal(field, reads[1], high),
            )
        return exp.And(
            this=exp.GTE(
                this=self._read(field, reads[0], (low,), predicate.span),
                expression=self._literal(field, reads[0], low),
            ),
            expression=exp.LTE(
                this=self._read(field, reads[1], (high,), predicate.span),
                expression=self._literal(field, reads[1], high),
            ),
        )

    def like(self, predicate: Like) -> exp.Expr:
        text = self._text(self._fields[predicate.column], predicate.span)
        pattern, escape = nodes.duckdb_pattern(predicate)
        exact = nodes.like(text, pattern, escape, ignores_case=predicate.ignores_case)
        if not self._is_portable or escape == predicate.escape:
            return exact
        ignores_case = predicate.ignores_case
        plain = nodes.like(
            text.copy(), predicate.pattern, predicate.escape, ignores_case=ignores_case
        )
        return nodes.ForDuckDB.of(exact, plain)

    def contains(self, predicate: Contains) -> exp.Expr:
        text = self._text(self._fields[predicate.column], predicate.span)
        node = exp.Contains(this=text, expression=nodes.string(predicate.text))
        if not self._is_portable:
            return node
        position = exp.StrPosition(this=text.copy(), substr=nodes.string(predicate.text))
        return nodes.ForDuckDB.of(node, exp.GT(this=position, expression=nodes.number("0")))

    def is_null(self, predicate: IsNull) -> exp.Expr:
        field = self._fields[predicate.column]
        if field.column is None or field.path:
            value = self._text(field, predicate.span)
        else:
            value = self._value(field.column, predicate.span)
        return exp.Is(this=value, expression=exp.Null())

    # --- values ---

    def _read(
        self, field: BoundField, read: Reading, literals: Sequence[Literal], span: Span | None
    ) -> exp.Expr:
        column = field.column
        if column is None:
            return nodes.cast_to(exp.Null(), _TYPE_BY_READING[read])
        if read is Reading.TEXT:
            return self._text(field, span)
        kind = StoredKind.OTHER if field.path else column.kind
        if read is Reading.NUMBER:
            if kind is StoredKind.INTEGER:
                value = self._value(column, span)
                is_exact = all(nodes.integer_of(literal) is not None for literal in literals)
                return value if is_exact else nodes.cast_to(value, _Type.DOUBLE)
            if kind is StoredKind.DOUBLE:
                return self._double(column, span)
            return self._number_in(self._text(field, span))
        if read is Reading.BOOLEAN:
            if kind is StoredKind.BOOLEAN:
                return self._value(column, span)
            return self._boolean_in(self._text(field, span))
        if kind is StoredKind.TIMESTAMP:
            return self._value(column, span)
        if kind is StoredKind.INTEGER:
            return exp.IntDiv(this=self._value(column, span), expression=nodes.number("1000"))
        matched = exp.Anonymous(
            this="regexp_extract",
            expressions=[self._text(field, span), nodes.string(TIMESTAMP_PATTERN)],
        )
        return exp.TryCast(this=matched, to=nodes.data_type(_Type.TIMESTAMPTZ))

    def _text(self, field: BoundField, span: Span | None) -> exp.Expr:
        column = field.column
        if column is None:
            return nodes.cast_to(exp.Null(), _Type.VARCHAR)
        if field.path:
            return self._inside(column, field.path, span)
        if column.kind is StoredKind.TEXT:
            return self._value(column, span)
        if column.kind is StoredKind.DOUBLE:
            return nodes.cast_to(self._double(column, span), _Type.VARCHAR)
        value = self._value(column, span)
        if column.kind is StoredKind.LIST:
            # Plainly: in DuckDB's own text of a list, quotes inside an element are escaped.
            to = exp.DataType(
                this=_Type.ARRAY, expressions=[nodes.data_type(_Type.VARCHAR)], nested=True
            )
            joined = exp.ArrayToString(
                this=exp.Cast(this=value, to=to), expression=nodes.string(", ")
            )
            opened = exp.DPipe(this=nodes.string("["), expression=joined, safe=False)
            return exp.Paren(this=exp.DPipe(this=opened, expression=nodes.string("]"), safe=False))
        if column.kind is StoredKind.MAP:
            value = exp.Anonymous(this="to_json", expressions=[value])
        return nodes.cast_to(value, _Type.VARCHAR)

    def _double(self, column: Column, span: Span | None) -> exp.Expr:
        value = self._value(column, span)
        if column.name == LATENCY_MS:
            return value  # the service computes it from two times: a number, or nothing
        plain = value.copy() if self._is_portable else value
        exact = nodes.without_nan(value)
        return nodes.ForDuckDB.of(exact, plain) if self._is_portable else exact

    def _number_in(self, text: exp.Expr) -> exp.Expr:
        if not self._is_portable:
            return nodes.once(text, nodes.finite_number)
        plain = exp.TryCast(this=text.copy(), to=nodes.data_type(_Type.DOUBLE))
        return nodes.ForDuckDB.of(nodes.once(text, nodes.finite_number), plain)

    def _boolean_in(self, text: exp.Expr) -> exp.Expr:
        if not self._is_portable:
            return nodes.boolean_of(text)
        plain = exp.TryCast(this=text.copy(), to=nodes.data_type(_Type.BOOLEAN))
        return nodes.ForDuckDB.of(nodes.boolean_of(text), plain)

    def _inside(self, column: Column, path: tuple[str, ...], span: Span | None) -> exp.Expr:
        value = self._value(column, span)
        if is_document(column):
            if column.kind is not StoredKind.TEXT:
                # Text, not JSON: Arrow brings a document unchecked, and it may be broken.
                value = nodes.cast_to(value, _Type.VARCHAR)
            return nodes.in_document(value, path)
        if column.kind is StoredKind.MAP:
            whole = nodes.in_map(value, ".".join(path))
            if len(path) == 1:
                return whole
            first = nodes.in_map(self._value(column, span), path[0])
            return exp.Coalesce(this=whole, expressions=[nodes.in_document(first, path[1:])])
        position = list_position(path[0])
        if position is None:
            return nodes.cast_to(exp.Null(), _Type.VARCHAR)
        element = exp.Anonymous(
            this="list_extract", expressions=[value, nodes.number(str(position + 1))]
        )
        text = nodes.cast_to(element, _Type.VARCHAR)
        return nodes.in_document(text, path[1:]) if path[1:] else text

    def _value(self, column: Column, span: Span | None) -> exp.Expr:
        if self._value_of is not None:
            return nodes.operand(self._value_of(column))
        node = exp.Column(this=exp.Identifier(this=column.sql_name, quoted=True))
        if self._is_portable and span is not None:
            node.meta["position"], node.meta["end"] = span
        return node

    # --- literals ---

    def _literal(self, field: BoundField, read: Reading, literal: Literal) -> exp.Expr:
        value = literal.value
        if read is Reading.TEXT:
            return nodes.string(str(value))
        if read is Reading.BOOLEAN:
            return exp.Boolean(this=value)
        if read is Reading.NUMBER:
            integer = nodes.integer_of(literal)
            return nodes.number(
                nodes.digits(nodes.float_of(literal)) if integer is None else str(integer)
            )
        column = field.column
        if column is not None and column.kind is StoredKind.INTEGER and not field.path:
            return nodes.number(str(microseconds_in(str(value))))
        moment = timestamp_in(str(value))
        if moment is None:
            raise ValueError(f"{value!r} is no time; bind refuses it")
        node = nodes.cast_to(nodes.string(moment.isoformat(sep=" ")), _Type.TIMESTAMPTZ)
        if self._is_portable:
            node.meta[nodes.WRITTEN] = value
        return node
