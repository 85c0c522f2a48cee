"""What an export reads: columns, Arrow types and query, made once for each catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from sqlglot import exp

from spanduck._wire import JSON_VALID, JSON_VALID_FIELD_KEY
from spanduck.server import statements
from spanduck.server.catalogue import Place, ProjectCatalogue, StoredColumn, StoredTable
from spanduck.server.kinds import Kind
from spanduck_sql.schema import (
    END_TIME,
    EVENT_ATTRIBUTES,
    EVENTS,
    JSON_COLUMNS,
    LATENCY_MS,
    LIST_DICT_COLUMNS,
    NAME,
    PARENT_ID,
    SPAN_ID,
    SPAN_KIND,
    START_TIME,
    STATUS_CODE,
    STATUS_MESSAGE,
    TRACE_ID,
    WIRE_TIME,
    EvaluationColumn,
    parse_evaluation_column,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

# The order of the protocol's list of exported columns. `time` is always sent: the vendor's SDK
# sorts by it.
_CORE_ORDER: Final = (
    WIRE_TIME,
    SPAN_ID,
    TRACE_ID,
    PARENT_ID,
    NAME,
    START_TIME,
    END_TIME,
    LATENCY_MS,
    STATUS_CODE,
    STATUS_MESSAGE,
    SPAN_KIND,
    EVENT_ATTRIBUTES,
    EVENTS,
)
_COMPUTED: Final = {
    WIRE_TIME: pa.timestamp("ms", tz="UTC"),
    LATENCY_MS: pa.float64(),
}
_HOLDS_JSON: Final = JSON_COLUMNS | LIST_DICT_COLUMNS
_VALID_JSON: Final = {JSON_VALID_FIELD_KEY: JSON_VALID}
_SPANS: Final = "s"


@dataclass(frozen=True)
class ExportPlan:
    """An export of some columns of a project.

    Attributes:
        schema: What is sent, in the order of the query.
        query: The text; bounds, when there are any, are variables of the connection.
        counts: Queries whose results add up to the number of rows.
    """

    schema: pa.Schema
    query: str
    counts: tuple[str, ...]


@lru_cache(maxsize=256)
def plan_export(
    catalogue: ProjectCatalogue, columns: tuple[str, ...] = (), *, windowed: bool
) -> ExportPlan:
    """Plan an export; cheap when asked again.

    Args:
        catalogue: The project's catalogue.
        columns: Wire names, in the order to be sent; empty for all. Names the project does not have
            are left out, repeated ones are sent once, `time` is sent in any case.
        windowed: Whether the spans are bounded in time.
    """
    names = _chosen(catalogue, columns)
    source = _Source(catalogue)
    fields: list[pa.Field] = []
    values: list[exp.Expr] = []
    for name in names:
        stored = catalogue.by_logical.get(name, ())
        value, arrow_type, is_json = _column(name, stored, source)
        # Only columns that hold JSON by the protocol carry the mark; elsewhere it would say nothing
        # a reader could use.
        metadata = _VALID_JSON if is_json and name in _HOLDS_JSON else None
        fields.append(pa.field(name, arrow_type, metadata=metadata))
        values.append(value.as_(f"o{len(values)}", quoted=True))
    query = source.joined(exp.select(*values), windowed=windowed)
    counts = tuple(
        statements.count(table.name, windowed=windowed) for table in catalogue.span_tables
    )
    return ExportPlan(pa.schema(fields), statements.sql(query), counts)


def _chosen(catalogue: ProjectCatalogue, columns: tuple[str, ...]) -> list[str]:
    if columns:
        known = {*_CORE_ORDER, *catalogue.by_logical}
        return list(dict.fromkeys((WIRE_TIME, *(name for name in columns if name in known))))
    groups: dict[Place, list[str]] = {Place.ATTRIBUTE: [], Place.EVALUATION: []}
    for name, stored in catalogue.by_logical.items():
        if stored[0].place in groups:
            groups[stored[0].place].append(name)
    return [*_CORE_ORDER, *groups[Place.ATTRIBUTE], *groups[Place.EVALUATION]]


def _column(
    name: str, stored: Sequence[StoredColumn], source: _Source
) -> tuple[exp.Expr, pa.DataType, bool]:
    """Return a column's value, its Arrow type, and whether every text in it is valid JSON."""
    if name in _COMPUTED:
        return _computed(name, source), _COMPUTED[name], False
    evaluation = parse_evaluation_column(name)
    if evaluation is not None:
        kind = Kind.FLOAT64 if evaluation.field == "score" else Kind.STRING
        return source.evaluation(evaluation), kind.arrow_type, False
    kinds = [column for column in stored if column.kind is not None]
    if not kinds:
        # Never anything but null: no kind, and text is what any value can become.
        return statements.cast(exp.null(), "VARCHAR"), pa.string(), True
    if len(kinds) == 1:
        only = kinds[0]
        kind = only.kind or Kind.STRING
        return source.attribute(only), kind.arrow_type, only.is_json
    return _mixed(kinds, source)


def _computed(name: str, source: _Source) -> exp.Expr:
    start = source.time(START_TIME)
    if name == WIRE_TIME:
        million = exp.Literal.number(1_000_000)
        return statements.cast(exp.IntDiv(this=start, expression=million), "BIGINT")
    end = source.time(END_TIME)
    span = statements.cast(exp.paren(exp.Sub(this=end, expression=start)), "DOUBLE")
    return exp.Div(this=span, expression=exp.Literal.number(1_000_000), typed=False, safe=False)


def _mixed(kinds: Sequence[StoredColumn], source: _Source) -> tuple[exp.Expr, pa.DataType, bool]:
    """Return the value of a column that was sent as several kinds.

    Integers and doubles are doubles where every integer survives that; anything else is text.
    """
    numbers = {Kind.INT64, Kind.FLOAT64}
    if {column.kind for column in kinds} == numbers and all(c.is_exact_double for c in kinds):
        parts = [statements.cast(source.attribute(column), "DOUBLE") for column in kinds]
        kind = Kind.FLOAT64
    else:
        parts = [
            statements.canonical_text(source.attribute(column), column.kind)
            for column in kinds
            if column.kind is not None
        ]
        kind = Kind.STRING
    return exp.Coalesce(this=parts[0], expressions=parts[1:]), kind.arrow_type, False


class _Source:
    """The rows an export reads: the tables of spans one after the other, and evaluations."""

    def __init__(self, catalogue: ProjectCatalogue) -> None:
        self._catalogue = catalogue
        self._spans: dict[str, StoredColumn] = {}
        self._evaluations: dict[tuple[str, str], str] = {}

    def attribute(self, column: StoredColumn) -> exp.Expr:
        """Return the value of a physical column."""
        physical = str(column.physical)
        self._spans[physical] = column
        return statements.column(physical, _SPANS)

    def time(self, name: str) -> exp.Expr:
        """Return the value of `start_time` or `end_time`."""
        return self.attribute(self._catalogue.by_logical[name][0])

    def evaluation(self, column: EvaluationColumn) -> exp.Expr:
        """Return the value of a field of an evaluation."""
        key = (column.level, column.name)
        alias = self._evaluations.setdefault(key, f"e{len(self._evaluations)}")
        return statements.column(column.field, alias)

    def joined(self, query: exp.Select, *, windowed: bool) -> exp.Select:
        """Return the query over everything that was asked for, each name of evaluations once."""
        if self._evaluations:
            self.attribute(self._catalogue.by_logical[SPAN_ID][0])
        parts = [self._part(table, windowed=windowed) for table in self._catalogue.span_tables]
        query = query.from_(statements.union_all(parts).subquery(_SPANS), copy=False)
        for (level, name), alias in self._evaluations.items():
            rows = (
                exp.select("span_id", "label", "score", "explanation")
                .from_(self._catalogue.evaluations_table)
                .where(statements.column("level").eq(exp.Literal.string(level)))
                .where(statements.column("name").eq(exp.Literal.string(name)))
            )
            same_span = statements.column("span_id", alias).eq(statements.column("span_id", _SPANS))
            query = query.join(rows.subquery(alias), on=same_span, join_type="left", copy=False)
        return query

    def _part(self, table: StoredTable, *, windowed: bool) -> exp.Select:
        """Return the rows of one table; columns that came later are null in it."""
        values = [
            statements.column(physical)
            if (column.table or 0) <= table.number
            else statements.cast(exp.null(), str(column.kind and column.kind.sql_type)).as_(
                physical
            )
            for physical, column in self._spans.items()
        ]
        part = exp.select(*values).from_(table.name)
        return part.where(statements.in_window(), copy=False) if windowed else part
