"""What was said of spans, one row a (span, level, name), as columns beside the spans.

A join holds megabytes before it has read a row, so many names are not joined one by one: their rows
are gathered into lists, one row a span, and each value is found in its span's lists. That holds no
more than what was said, and a value costs a search among all that was said of its span; up to
`MOST_JOINS` names, joins are faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp

from spanduck.server import statements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_JOINS: Final = 16
"""Most names of a long table that are joined one by one."""

# What a row takes in lists and in the join, beside its texts.
_ROW_BYTES: Final = 96
_FIXED: Final = frozenset({"score", "updated_at"})
_SPAN_ID: Final = "span_id"
_NUMBERS: Final = "numbers"


class Remarks:
    """Values of one long table, of the names that were asked for.

    Args:
        alias: What its rows are called in the query; a name's own alias is this with a number.
        fields: Its columns of values.
    """

    def __init__(self, alias: str, fields: Sequence[str]) -> None:
        self._alias = alias
        self._fields = fields
        self._number_by_name: dict[tuple[str, str], int] = {}

    def __bool__(self) -> bool:
        return bool(self._number_by_name)

    @property
    def is_gathered(self) -> bool:
        """Whether there are so many names that their values are gathered, all in memory."""
        return len(self._number_by_name) > MOST_JOINS

    def value(self, level: str, name: str, field: str) -> exp.Expr:
        """Return a field of what was said under a name; null where nothing was.

        The field `span_id` is there for every span of which anything was said under that name.
        """
        known = self._number_by_name
        number = known.setdefault((level, name), len(known))
        return statements.column(field, f"{self._alias}{number}")

    def joined(
        self, query: exp.Select, table: str, spans: str, ids: Callable[[], exp.Query]
    ) -> exp.Select:
        """Return the query with the long table joined to its spans.

        Args:
            query: What reads the values.
            table: The long table.
            spans: What the spans are called in the query.
            ids: Returns what reads the ids of those spans.
        """
        if self.is_gathered:
            return self._joined_at_once(query, table, spans, ids)
        return self._joined_by_name(query, table, spans)

    def size(self, table: str) -> str:
        """Return the query of about how many bytes the long table has when it is gathered."""
        bytes_: exp.Expr = exp.Literal.number(_ROW_BYTES)
        for field in self._fields:
            if field in _FIXED:
                continue
            length = statements.function("strlen", statements.column(field))
            length = exp.Coalesce(this=length, expressions=[exp.Literal.number(0)])
            bytes_ = exp.Add(this=bytes_, expression=length)
        return statements.select([statements.function("sum", bytes_)], table)

    def _joined_by_name(self, query: exp.Select, table: str, spans: str) -> exp.Select:
        for (level, name), number in self._number_by_name.items():
            rows = (
                exp.select(_SPAN_ID, *self._fields)
                .from_(table)
                .where(statements.column("level").eq(exp.Literal.string(level)))
                .where(statements.column("name").eq(exp.Literal.string(name)))
            )
            query = with_rows(query, rows, f"{self._alias}{number}", spans)
        return query

    def _joined_at_once(
        self, query: exp.Select, table: str, spans: str, ids: Callable[[], exp.Query]
    ) -> exp.Select:
        for column in self._values_in(query):
            number = exp.Literal.number(column.table.removeprefix(self._alias))
            numbers = statements.column(_NUMBERS, self._alias)
            place = statements.function("list_position", numbers, number)
            if column.name == _SPAN_ID:
                column.replace(place)
                continue
            values = statements.column(column.name, self._alias)
            column.replace(statements.function("list_extract", values, place))
        return with_rows(query, self._gathered(table, ids), self._alias, spans)

    def _gathered(self, table: str, ids: Callable[[], exp.Query]) -> exp.Select:
        """Return a row a span: the numbers of its names, and in the same order their fields."""
        named = exp.values(
            [(*key, number) for key, number in self._number_by_name.items()],
            alias="named",
            columns=("level", "name", "number"),
        )
        # All lists of a row are filled in one pass, so that they have one order.
        lists = [
            statements.function("list", statements.column(field)).as_(name, quoted=True)
            for field, name in [("number", _NUMBERS), *((name, name) for name in self._fields)]
        ]
        span_id = statements.column(_SPAN_ID)
        return (
            exp.select(span_id, *lists)
            .from_(table)
            .join(named, using=["level", "name"], copy=False)
            .where(span_id.copy().isin(ids(), copy=False), copy=False)
            .group_by(span_id.copy(), copy=False)
        )

    def _values_in(self, query: exp.Select) -> list[exp.Column]:
        aliases = {f"{self._alias}{number}" for number in self._number_by_name.values()}
        return [column for column in query.find_all(exp.Column) if column.table in aliases]


def with_rows(query: exp.Select, rows: exp.Select, alias: str, spans: str) -> exp.Select:
    """Return the query with rows joined to its spans by span id; null where a span has none."""
    same_span = statements.column(_SPAN_ID, alias).eq(statements.column(_SPAN_ID, spans))
    return query.join(rows.subquery(alias), on=same_span, join_type="left", copy=False)
