"""The filter language as a dialect of sqlglot: `sqlglot.transpile(text, read="ax_filter", …)`.

The text is read by our own parser, not by sqlglot's, which takes a mistake for an alias. What comes
of it is a condition over columns with the service's names, for a table that has whatever the filter
asks for. In the other direction what the language cannot say is an error, never left out.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NoReturn

from sqlglot import Dialect, exp

from spanduck_sql.errors import FilterError
from spanduck_sql.expressions import (
    TIMESTAMP_TZ,
    Between,
    Compare,
    Contains,
    In,
    IsNull,
    Like,
    Literal,
    Opaque,
    Predicate,
    all_of,
    any_of,
)
from spanduck_sql.expressions import Not as Opposite
from spanduck_sql.language.binding import Reading, bind
from spanduck_sql.language.fields import FieldType, canonical_name, field_type
from spanduck_sql.language.generate import condition
from spanduck_sql.language.nodes import WRITTEN, ForDuckDB, readings_of
from spanduck_sql.language.parser import parse
from spanduck_sql.language.printer import to_text
from spanduck_sql.visitors import Visitor, fold
from spanduck_sql.where import predicate_of

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME: Final = "ax_filter"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class AxFilter(Dialect):
    r"""The span filter language.

    Example:
        >>> import sqlglot
        >>> sqlglot.transpile("span.status_code = 'ERROR'", read="ax_filter", write="duckdb")
        ['"status_code" = \'ERROR\'']
        >>> sqlglot.transpile("status_code IN ('OK')", read="duckdb", write="ax_filter")
        ["status_code IN ('OK')"]
    """

    def parse(self, sql: str, **_opts: Any) -> list[exp.Expr | None]:
        """Return the condition that a filter is; each `Column` has its place in `meta`.

        Raises:
            FilterError: For a text that is no filter, an unknown field, or a value that does not
                fit its field.
        """
        return [condition(bind(parse(sql), None, text=sql), portable=True)]

    def parse_into(
        self,
        expression_type: exp.IntoType,  # noqa: ARG002 - a filter is a condition, whatever is asked
        sql: str,
        **opts: Any,
    ) -> list[exp.Expr | None]:
        """Return what `parse` does."""
        return self.parse(sql, **opts)

    def generate(self, expression: exp.Expr, copy: bool = True, **_opts: Any) -> str:
        """Return the normal form of the filter that a condition is; options have no effect.

        Raises:
            FilterError: For a condition that is none, naming the part that has no text.
        """
        # The root may have to be replaced as well, so it gets a parent.
        root = exp.Paren(this=expression.copy() if copy or expression.parent else expression)
        for node in list(root.find_all(ForDuckDB)):
            node.replace(node.this)
        read = predicate_of(root.transform(_without_reading), _name_of)
        predicate = fold(read, _Wording())
        bind(predicate, None)
        return to_text(predicate)


# sqlglot itself takes the name of the class; the entry point of the installed package takes ours.
Dialect._classes[NAME] = AxFilter  # noqa: SLF001


def _name_of(column: exp.Column) -> str:
    # A dotted name without quotes is a column, its table, its schema and its catalogue to sqlglot.
    return canonical_name(".".join(part.name for part in column.parts))


def _without_reading(node: exp.Expr) -> exp.Expr:
    """Return the column of a conversion that a comparison in the language does by itself."""
    if isinstance(node, exp.Cast) and WRITTEN in node.meta:
        return exp.Literal.string(node.meta[WRITTEN])
    if not isinstance(node, exp.Cast | exp.Case | exp.Nullif):
        return node
    column = node.find(exp.Column)
    if column is None:
        return node
    name, text = _name_of(column), node.sql("duckdb")
    kind = field_type(name)
    for read, reading in readings_of(column).items():
        is_own = kind is FieldType.ANY or (kind is FieldType.NUMBER and read is Reading.NUMBER)
        if text in reading and is_own and _fits(node, read):
            return column
    return node


def _fits(node: exp.Expr, read: Reading) -> bool:
    """Tell whether what a converted column is compared with has the type of the conversion."""
    if node.parent is None:
        return False
    others = [other for other in node.parent.iter_expressions() if other is not node]
    if read is Reading.TEXT:
        return all(isinstance(other, exp.Null) or other.is_string for other in others)
    if read is Reading.BOOLEAN:
        return all(isinstance(other, exp.Boolean) for other in others)
    return all(other.is_number for other in others)


def _refuse(what: object, reason: str = "") -> NoReturn:
    raise FilterError(f"{what} has no text in the filter language", next_step=reason)


class _Wording(Visitor[Predicate]):
    """A tree read from SQL with the literals that the filter language has."""

    def always_true(self) -> Predicate:
        _refuse("TRUE")

    def opaque(self, predicate: Opaque) -> Predicate:
        _refuse(predicate.sql, predicate.reason)

    def compare(self, predicate: Compare) -> Predicate:
        return replace(predicate, literal=_literal(predicate.literal))

    def is_in(self, predicate: In) -> Predicate:
        return replace(predicate, literals=tuple(map(_literal, predicate.literals)))

    def between(self, predicate: Between) -> Predicate:
        return replace(predicate, low=_literal(predicate.low), high=_literal(predicate.high))

    def like(self, predicate: Like) -> Predicate:
        return predicate

    def contains(self, predicate: Contains) -> Predicate:
        return predicate

    def is_null(self, predicate: IsNull) -> Predicate:
        return predicate

    def all_of(self, operands: Sequence[Predicate]) -> Predicate:
        return all_of(operands)

    def any_of(self, operands: Sequence[Predicate]) -> Predicate:
        return any_of(operands)

    def negated(self, operand: Predicate) -> Predicate:
        return Opposite(operand)


def _literal(literal: Literal) -> Literal:
    value = literal.value
    if isinstance(value, bool | str):
        return literal
    if isinstance(value, int | float):
        if literal.type == TIMESTAMP_TZ:
            return Literal(_moment(int(value)), "VARCHAR")
        try:
            return Literal(float(value), "DOUBLE")
        except OverflowError:
            _refuse(literal)
    _refuse(literal)


def _moment(microseconds: int) -> str:
    try:
        moment = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        _refuse(f"a time {microseconds} microseconds from 1970")
    return moment.isoformat().replace("+00:00", "Z")
