"""The value of each logical column as an export sends it, and the tables it is read from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from sqlglot import exp

from spanduck.server import statements
from spanduck.server.kinds import Kind
from spanduck.server.remarks import Remarks, with_rows
from spanduck_sql.schema import (
    ANNOTATION_FIELDS,
    ANNOTATION_NOTES,
    END_TIME,
    EVALUATION_FIELDS,
    JSON_COLUMNS,
    LATENCY_MS,
    LIST_DICT_COLUMNS,
    SPAN_ID,
    START_TIME,
    TRACE_ID,
    WIRE_TIME,
    AnnotationColumn,
    parse_annotation_column,
    parse_evaluation_column,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spanduck.server.catalogue import ProjectCatalogue, StoredColumn, StoredTable

COMPUTED: Final = {
    WIRE_TIME: pa.timestamp("ms", tz="UTC"),
    LATENCY_MS: pa.float64(),
}
"""Columns that are stored nowhere, with their types."""

HOLDS_JSON: Final = JSON_COLUMNS | LIST_DICT_COLUMNS
"""Columns of JSON documents, or of lists of them, by the protocol."""

_SPANS: Final = "s"
_NOTES: Final = "n"
_NUMBERS: Final = frozenset({Kind.INT64, Kind.FLOAT64})
_ANNOTATION_KINDS: Final = {"score": Kind.FLOAT64, "updated_at": Kind.INT64}


@dataclass(frozen=True)
class Exported:
    """What a logical column is in an export.

    Attributes:
        kind: The kind of its values; None when there never was one.
        stored: The columns they lie in; none for computed columns and evaluations.
        is_json: Every text in it is valid JSON, and none is empty.
        may_be_nan: A NaN is or was among its values.
    """

    kind: Kind | None
    stored: tuple[StoredColumn, ...] = ()
    is_json: bool = False
    may_be_nan: bool = False

    @property
    def arrow_type(self) -> pa.DataType:
        """Its type; text, which any value can become, when there never was one."""
        return (self.kind or Kind.STRING).arrow_type


def exported(catalogue: ProjectCatalogue, name: str) -> Exported:
    """Return what a column is; for `WIRE_TIME`, whose type is no kind's, see `COMPUTED`."""
    if name in COMPUTED:
        return Exported(Kind.FLOAT64)
    stored = catalogue.by_logical.get(name, ())
    evaluation = parse_evaluation_column(name)
    if evaluation is not None:
        kind = Kind.FLOAT64 if evaluation.field == "score" else Kind.STRING
        may_be_nan = kind is Kind.FLOAT64 and any(column.may_be_nan for column in stored)
        return Exported(kind, may_be_nan=may_be_nan)
    if name == ANNOTATION_NOTES:
        return Exported(Kind.STRING_LIST)
    annotation = parse_annotation_column(name)
    if annotation is not None:
        return Exported(_ANNOTATION_KINDS.get(annotation.field, Kind.STRING))
    kinds = tuple(column for column in stored if column.kind is not None)
    if not kinds:
        return Exported(None, is_json=True)
    if len(kinds) == 1:
        return Exported(kinds[0].kind, kinds, kinds[0].is_json, kinds[0].may_be_nan)
    if _are_doubles(kinds):
        return Exported(Kind.FLOAT64, kinds, may_be_nan=any(c.may_be_nan for c in kinds))
    return Exported(Kind.STRING, kinds)


def _are_doubles(kinds: Sequence[StoredColumn]) -> bool:
    """Tell whether a column sent as several kinds is one of doubles.

    Integers and doubles are, where every integer survives that; anything else is text.
    """
    return {column.kind for column in kinds} == _NUMBERS and all(c.is_exact_double for c in kinds)


class SpanRows:
    """The rows a query reads: tables of spans one after the other, evaluations and annotations.

    Remembers which values it was asked for, and reads no others.
    """

    def __init__(self, catalogue: ProjectCatalogue) -> None:
        self._catalogue = catalogue
        self._spans: dict[str, StoredColumn] = {}
        self._evaluations = Remarks("e", EVALUATION_FIELDS)
        self._annotations = Remarks("a", ANNOTATION_FIELDS)
        self._has_notes = False

    def value(self, name: str) -> exp.Expr:
        """Return the value of a column as it is exported."""
        if name == WIRE_TIME:
            million = exp.Literal.number(1_000_000)
            start = self._attribute(START_TIME)
            return statements.cast(exp.IntDiv(this=start, expression=million), "BIGINT")
        if name == LATENCY_MS:
            return self._latency()
        evaluation = parse_evaluation_column(name)
        if evaluation is not None:
            return self._evaluations.value(evaluation.level, evaluation.name, evaluation.field)
        if name == ANNOTATION_NOTES:
            self._has_notes = True
            return statements.column("notes", _NOTES)
        annotation = parse_annotation_column(name)
        if annotation is not None:
            value = self._annotation(annotation)
            # Milliseconds on the wire.
            is_time = annotation.field == "updated_at"
            return statements.function("epoch_ms", value) if is_time else value
        column = exported(self._catalogue, name)
        if not column.stored:
            return statements.cast(exp.null(), Kind.STRING.sql_type)
        if len(column.stored) == 1:
            return self._stored(column.stored[0])
        return self._mixed(column)

    def moment(self, name: str) -> exp.Expr:
        """Return a column of times as a TIMESTAMPTZ, rounded down to the microsecond."""
        annotation = parse_annotation_column(name)
        if annotation is not None:
            micros = statements.function("epoch_us", self._annotation(annotation))
            return statements.function("make_timestamptz", micros)
        thousand = exp.Literal.number(1_000)
        value = self._attribute(name)
        # Integer division rounds towards zero, which before 1970 is up.
        below_zero = exp.LT(
            this=exp.Mod(this=value.copy(), expression=thousand), expression=exp.Literal.number(0)
        )
        floored = exp.Sub(
            this=exp.IntDiv(this=value, expression=thousand.copy()),
            expression=statements.cast(below_zero, "BIGINT"),
        )
        return statements.function("make_timestamptz", floored)

    def trace(self) -> exp.Expr:
        """Return what says which trace a span belongs to; without a trace it is one by itself."""
        trace = exp.Nullif(this=self._attribute(TRACE_ID), expression=exp.Literal.string(""))
        return exp.Coalesce(this=trace, expressions=[self._attribute(SPAN_ID)])

    @property
    def sizes(self) -> tuple[str, ...]:
        """Queries of about how many bytes are held at once; none where it does not matter."""
        sizes = []
        if self._evaluations.is_gathered:
            sizes.append(self._evaluations.size(self._catalogue.evaluations_table))
        if self._annotations.is_gathered:
            sizes.append(self._annotations.size(self._catalogue.annotations_table))
        return tuple(sizes)

    def joined(
        self,
        query: exp.Select,
        *,
        part: Callable[[exp.Select, StoredTable], exp.Select] = lambda query, _: query,
        tables: Sequence[StoredTable] | None = None,
    ) -> exp.Select:
        """Return the query over everything that was asked for, each name joined once.

        Args:
            query: What is selected.
            part: Restricts, or adds to, what is read of one table.
            tables: Of the tables of spans those to be read; None for all.
        """
        if self._evaluations or self._annotations or self._has_notes:
            self._attribute(SPAN_ID)
        read = self._catalogue.span_tables if tables is None else tables
        parts = [part(self._part(table), table) for table in read]
        query = query.from_(statements.union_all(parts).subquery(_SPANS), copy=False)
        ids = partial(_ids, read, part)
        if self._evaluations:
            table = self._catalogue.evaluations_table
            query = self._evaluations.joined(query, table, _SPANS, ids)
        if self._annotations:
            table = self._catalogue.annotations_table
            query = self._annotations.joined(query, table, _SPANS, ids)
        if self._has_notes:
            rows = exp.select("span_id", "notes").from_(self._catalogue.notes_table)
            query = with_rows(query, rows, _NOTES, _SPANS)
        return query

    def _part(self, table: StoredTable) -> exp.Select:
        """Return the rows of one table; columns that came later are null in it."""
        values = [
            statements.column(physical)
            if (column.table or 0) <= table.number
            else statements.cast(exp.null(), str(column.kind and column.kind.sql_type)).as_(
                physical
            )
            for physical, column in self._spans.items()
        ]
        return exp.select(*values).from_(table.name)

    def _latency(self) -> exp.Expr:
        # An end may be any integer of 64 bits, and its distance to the start one more.
        end = statements.cast(self._attribute(END_TIME), "HUGEINT")
        span = exp.paren(exp.Sub(this=end, expression=self._attribute(START_TIME)))
        million = exp.Literal.number(1_000_000)
        return exp.Div(
            this=statements.cast(span, "DOUBLE"), expression=million, typed=False, safe=False
        )

    def _mixed(self, column: Exported) -> exp.Expr:
        parts = [
            statements.cast(self._stored(stored), Kind.FLOAT64.sql_type)
            if column.kind is Kind.FLOAT64
            else statements.canonical_text(self._stored(stored), stored.kind)
            for stored in column.stored
            if stored.kind is not None
        ]
        return exp.Coalesce(this=parts[0], expressions=parts[1:])

    def _attribute(self, name: str) -> exp.Expr:
        return self._stored(self._catalogue.by_logical[name][0])

    def _stored(self, column: StoredColumn) -> exp.Expr:
        physical = str(column.physical)
        self._spans[physical] = column
        return statements.column(physical, _SPANS)

    def _annotation(self, column: AnnotationColumn) -> exp.Expr:
        # Of annotations of one name, that of the span, then of its trace, then of its session.
        levels = self._levels(column.name)
        said = self._annotations
        value = said.value(levels[-1], column.name, column.field)
        for level in reversed(levels[:-1]):
            is_there = exp.not_(said.value(level, column.name, "span_id").is_(exp.null()))
            own = said.value(level, column.name, column.field)
            value = exp.Case().when(is_there, own).else_(value)
        return value

    def _levels(self, name: str) -> list[str]:
        fields = (AnnotationColumn(name, field).column for field in ANNOTATION_FIELDS)
        by_logical = self._catalogue.by_logical
        known = {stored.physical for field in fields for stored in by_logical.get(field, ())}
        return [level for level in ("span", "trace", "session") if level in known] or ["span"]


def _ids(
    tables: Sequence[StoredTable], part: Callable[[exp.Select, StoredTable], exp.Select]
) -> exp.Select:
    parts = [part(exp.select("span_id").from_(table.name), table) for table in tables]
    # A part may select more than it was given.
    return exp.select("span_id").from_(statements.union_all(parts).subquery("ids"))
