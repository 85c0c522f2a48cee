"""What an export reads: columns, Arrow types and queries, made once for each catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from sqlglot import exp

from spanduck._wire import JSON_VALID, JSON_VALID_FIELD_KEY, NAN_FIELD_KEY, NAN_STORED
from spanduck.server import filters, statements
from spanduck.server.catalogue import Place
from spanduck.server.values import COMPUTED, HOLDS_JSON, SpanRows, exported
from spanduck_sql.schema import (
    END_TIME,
    EVENT_ATTRIBUTES,
    EVENTS,
    LATENCY_MS,
    NAME,
    PARENT_ID,
    SPAN_ID,
    SPAN_KIND,
    START_TIME,
    STATUS_CODE,
    STATUS_MESSAGE,
    TRACE_ID,
    WIRE_TIME,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spanduck.server.catalogue import ProjectCatalogue, StoredTable
    from spanduck_sql.language.binding import BoundFilter

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
# What is remembered of a filter is some ten times as long as its text.
_KEPT_FILTER: Final = 4_096


@dataclass(frozen=True)
class Restriction:
    """Which of a project's spans are wanted.

    Attributes:
        is_windowed: Only those in a window: see `statements.in_window`.
        filter_text: Only those for which this filter is true; empty for none.
        is_sampled: Only those of some traces: see `statements.in_sample`.
    """

    is_windowed: bool = False
    filter_text: str = ""
    is_sampled: bool = False

    @property
    def is_selective(self) -> bool:
        """Whether rows must be looked at to be counted."""
        return bool(self.filter_text) or self.is_sampled


ALL: Final = Restriction()


@dataclass(frozen=True)
class Reading:
    """A query that reads the columns of an export.

    Attributes:
        text: The query. Where there are sizes, it reads one part: see `statements.in_part`.
        sizes: Queries of about how many bytes it would hold at once if it read everything.
    """

    text: str
    sizes: tuple[str, ...]


def plan_export(
    catalogue: ProjectCatalogue, columns: tuple[str, ...] = (), restriction: Restriction = ALL
) -> ExportPlan:
    """Plan an export; cheap when asked again.

    Args:
        catalogue: The project's catalogue.
        columns: Wire names, in the order to be sent; empty for all. Names the project does not have
            are left out, repeated ones are sent once, `time` is sent in any case.
        restriction: Which spans are wanted. Its filter may read any column, sent or not.

    Raises:
        FilterError: The filter is none, or does not fit the project's columns.
    """
    if len(restriction.filter_text) > _KEPT_FILTER:
        return _plan.__wrapped__(catalogue, columns, restriction)
    return _plan(catalogue, columns, restriction)


@lru_cache(maxsize=256)
def _plan(
    catalogue: ProjectCatalogue, columns: tuple[str, ...], restriction: Restriction
) -> ExportPlan:
    text = restriction.filter_text
    return ExportPlan(
        catalogue,
        restriction,
        filters.bound(catalogue, text) if text else None,
        tuple(_chosen(catalogue, columns)),
    )


@dataclass(frozen=True, eq=False)
class ExportPlan:
    """An export of some columns of a project.

    Its queries are written when they are first asked for: which of them are depends on what others
    answer, and the text of a large filter takes its time. Windows and samples are variables of the
    connection.

    Attributes:
        catalogue: The project's catalogue.
        restriction: Which spans are wanted.
        bound: Its filter; None for none.
        names: The columns, in the order they are sent.
    """

    catalogue: ProjectCatalogue
    restriction: Restriction
    bound: BoundFilter | None
    names: tuple[str, ...]

    @cached_property
    def schema(self) -> pa.Schema:
        """What is sent, in the order of the queries."""
        return pa.schema([_field(self.catalogue, name) for name in self.names])

    @cached_property
    def counts(self) -> tuple[str, ...]:
        """Where no row need be looked at: queries whose results add up to the number of rows."""
        return tuple(
            statements.count(table.name, windowed=self.restriction.is_windowed)
            for table in self.catalogue.span_tables
        )

    @cached_property
    def matches(self) -> tuple[str, ...]:
        """For each table of spans what finds its rows, and reads no more of them than it must."""
        return tuple(self._matches(table) for table in self.catalogue.span_tables)

    @cached_property
    def query(self) -> Reading:
        """What finds the rows and reads the columns of them."""
        rows = SpanRows(self.catalogue)
        query = self._conditioned(_selected(self.names, rows), rows)
        return _reading(query, rows, self._in_window)

    @cached_property
    def fetch(self) -> Reading:
        """What reads the columns of the rows whose ids are in `statements.matched(number)`."""
        rows = SpanRows(self.catalogue)

        def found(part: exp.Select, table: StoredTable) -> exp.Select:
            number = self.catalogue.span_tables.index(table)
            return part.where(statements.is_matched(number), copy=False)

        return _reading(_selected(self.names, rows), rows, found)

    def _matches(self, table: StoredTable) -> str:
        rows = SpanRows(self.catalogue)
        query = self._conditioned(exp.select(statements.column(statements.ROW_ID)), rows)

        def numbered(part: exp.Select, table: StoredTable) -> exp.Select:
            row_id = statements.column("rowid").as_(statements.ROW_ID)
            return self._in_window(part, table).select(row_id, copy=False)

        return statements.sql(rows.joined(query, part=numbered, tables=(table,)))

    def _conditioned(self, query: exp.Select, rows: SpanRows) -> exp.Select:
        if self.bound is not None:
            query = query.where(filters.where(self.bound, rows), copy=False)
        if self.restriction.is_sampled:
            query = query.where(statements.in_sample(rows.trace()), copy=False)
        return query

    def _in_window(self, part: exp.Select, _: StoredTable) -> exp.Select:
        is_windowed = self.restriction.is_windowed
        return part.where(statements.in_window(), copy=False) if is_windowed else part


def _selected(names: Sequence[str], rows: SpanRows) -> exp.Select:
    return exp.select(
        *(rows.value(name).as_(f"o{place}", quoted=True) for place, name in enumerate(names))
    )


def _reading(
    query: exp.Select, rows: SpanRows, part: Callable[[exp.Select, StoredTable], exp.Select]
) -> Reading:
    sizes = rows.sizes

    def restricted(read: exp.Select, table: StoredTable) -> exp.Select:
        read = part(read, table)
        return read.where(statements.in_part(), copy=False) if sizes else read

    return Reading(statements.sql(rows.joined(query, part=restricted)), sizes)


def _chosen(catalogue: ProjectCatalogue, columns: tuple[str, ...]) -> list[str]:
    if columns:
        known = {*_CORE_ORDER, *catalogue.by_logical}
        return list(dict.fromkeys((WIRE_TIME, *(name for name in columns if name in known))))
    groups: dict[Place, list[str]] = {
        Place.ATTRIBUTE: [],
        Place.EVALUATION: [],
        Place.ANNOTATION: [],
    }
    for name, stored in catalogue.by_logical.items():
        if stored[0].place in groups:
            groups[stored[0].place].append(name)
    return [*_CORE_ORDER, *chain.from_iterable(groups.values())]


def _field(catalogue: ProjectCatalogue, name: str) -> pa.Field:
    column = exported(catalogue, name)
    marks: dict[bytes, bytes] = {}
    # Only columns that hold JSON by the protocol carry the mark; elsewhere it would say nothing
    # a reader could use.
    if column.is_json and name in HOLDS_JSON:
        marks[JSON_VALID_FIELD_KEY] = JSON_VALID
    if column.may_be_nan:
        marks[NAN_FIELD_KEY] = NAN_STORED
    return pa.field(name, COMPUTED.get(name, column.arrow_type), metadata=marks or None)
