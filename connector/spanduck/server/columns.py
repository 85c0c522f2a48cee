"""Which stored columns an upload's columns become, and which have to be added for that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from sqlglot import exp

from spanduck.server import statements
from spanduck.server.catalogue import Place, ProjectCatalogue, Role, StoredColumn, StoredTable
from spanduck.server.errors import RequestError
from spanduck.server.kinds import Encoding, Kind
from spanduck_sql.schema import (
    ATTRIBUTE_PREFIX,
    END_TIME,
    EVENT_ATTRIBUTES,
    EVENTS,
    NAME,
    PARENT_ID,
    SPAN_ID,
    SPAN_KIND,
    START_TIME,
    STATUS_CODE,
    STATUS_MESSAGE,
    TRACE_ID,
    UPLOAD_SPAN_KIND,
    parse_evaluation_column,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from duckdb import DuckDBPyConnection

    from spanduck.server.spool import IncomingColumn, Spool

_TEXTS: Final = {
    SPAN_ID: "span_id",
    TRACE_ID: "trace_id",
    PARENT_ID: "parent_id",
    NAME: "name",
    STATUS_CODE: "status_code",
    STATUS_MESSAGE: "status_message",
    SPAN_KIND: "span_kind",
}
_TIMES: Final = {START_TIME: "start_time", END_TIME: "end_time"}

CORE_COLUMNS: Final = (
    *(StoredColumn(name, Kind.STRING, Place.CORE, 0, at) for name, at in _TEXTS.items()),
    *(StoredColumn(name, Kind.INT64, Place.CORE, 0, at) for name, at in _TIMES.items()),
    StoredColumn(EVENT_ATTRIBUTES, Kind.STRING, Place.CORE, 0, "event_attributes"),
    StoredColumn(EVENTS, Kind.STRING_LIST, Place.CORE, 0, "events"),
)
"""What every project has from its creation."""

# Adding a column costs DuckDB memory for every row of the table, about so much for text, and keeps
# it until a checkpoint, which in turn waits for readers. Beyond the limit a further table is begun.
_ADDED_ROW_BYTES: Final = 5
_ADDED_LIMIT_BYTES: Final = 64_000_000

_COLUMN_ROWS: Final = pa.schema(
    [
        ("project", pa.int32()),
        ("position", pa.int32()),
        ("logical", pa.string()),
        ("kind", pa.string()),
        ("place", pa.string()),
        ("table_number", pa.int32()),
        ("physical", pa.string()),
        ("is_json", pa.bool_()),
        ("is_exact_double", pa.bool_()),
        ("may_be_nan", pa.bool_()),
    ]
)


@dataclass(frozen=True)
class Incoming:
    """The columns of an upload, by what becomes of them. Others are not stored.

    Attributes:
        core: Columns every span has, by wire name.
        attributes: Columns under `attributes.`, in the order of the upload.
        evaluations: Columns of evaluations, in the order of the upload.
    """

    core: dict[str, IncomingColumn]
    attributes: tuple[IncomingColumn, ...]
    evaluations: tuple[IncomingColumn, ...]

    @property
    def stored(self) -> tuple[IncomingColumn, ...]:
        """All of them."""
        return (*self.core.values(), *self.attributes, *self.evaluations)


def classify(spool: Spool) -> Incoming:
    """Sort the columns of an upload.

    Raises:
        RequestError: A column that would be stored has an impossible type.
    """
    names = set(spool.schema.names)
    core_names = {*_TEXTS, *_TIMES, EVENTS, UPLOAD_SPAN_KIND} & names
    core = {name: spool.column(name) for name in spool.schema.names if name in core_names}
    attributes = tuple(
        spool.column(name)
        for name in spool.schema.names
        if name.startswith(ATTRIBUTE_PREFIX) and name not in core
    )
    return Incoming(core, attributes, evaluation_columns(spool))


def evaluation_columns(spool: Spool) -> tuple[IncomingColumn, ...]:
    """Return the columns of evaluations.

    Raises:
        RequestError: One has an impossible type.
    """
    return tuple(
        spool.column(name)
        for name in spool.schema.names
        if parse_evaluation_column(name) is not None
    )


def incoming_value(column: IncomingColumn, sql_type: str) -> exp.Expr:
    """Return a column's value as a DuckDB type, null where the column only ever is."""
    kind, encoding = column.incoming.kind, column.incoming.encoding
    if kind is None:
        return statements.cast(exp.null(), sql_type)
    value: exp.Expr = statements.column(column.alias)
    if encoding is not Encoding.PLAIN:
        value = statements.stored_value(value, kind, encoding)
    return statements.cast(value, sql_type)


def core_values(core: dict[str, IncomingColumn]) -> list[tuple[str, exp.Expr]]:
    """Return what is stored in each column that every table of spans has."""
    values: list[tuple[str, exp.Expr]] = []
    for name, physical in _TEXTS.items():
        if name in core:
            values.append((physical, _text(core[name])))
    if SPAN_KIND not in core and UPLOAD_SPAN_KIND in core:
        values.append((_TEXTS[SPAN_KIND], _text(core[UPLOAD_SPAN_KIND])))
    for name, physical in _TIMES.items():
        if name in core:
            values.append((physical, statements.column(core[name].alias)))
    if EVENTS in core:
        events = _events(core[EVENTS])
        values.append(("events", events))
        values.append(("event_attributes", statements.function("event_attributes", events.copy())))
    return values


def _text(column: IncomingColumn) -> exp.Expr:
    incoming = column.incoming
    value = statements.column(column.alias)
    if incoming.kind is None:
        return statements.cast(exp.null(), "VARCHAR")
    stored = statements.stored_value(value, incoming.kind, incoming.encoding)
    return statements.canonical_text(stored, incoming.kind)


def _events(column: IncomingColumn) -> exp.Expr:
    kind, value = column.incoming.kind, statements.column(column.alias)
    if kind is None:
        return statements.cast(exp.null(), "VARCHAR[]")
    if kind is Kind.STRING:
        return statements.function("event_list", statements.cast(value, "VARCHAR"))
    if kind is Kind.JSON and column.incoming.encoding is Encoding.TO_JSON:
        return statements.function("event_texts", value)
    if kind is Kind.JSON:
        return statements.function("event_list", statements.cast(value, "VARCHAR"))
    if kind is Kind.STRING_LIST:
        return statements.cast(value, "VARCHAR[]")
    raise RequestError(
        f"the column {EVENTS!r} has the type {column.incoming.arrow_type}, not a list of texts",
        next_step="Send list<string>, one JSON text for each event.",
    )


@dataclass(frozen=True)
class Additions:
    """What an upload adds to a project's catalogue.

    Attributes:
        columns: New logical columns and new kinds of known ones, in first-seen order.
        table: The further table of spans that is begun; None when the last one is altered.
    """

    columns: tuple[StoredColumn, ...] = ()
    table: StoredTable | None = None


def plan_additions(
    catalogue: ProjectCatalogue,
    incoming: Iterable[IncomingColumn],
    with_values: set[int],
    rows_in_last_table: int,
) -> Additions:
    """Decide where the kinds that the project has not seen yet will lie.

    Args:
        catalogue: The project's catalogue.
        incoming: The upload's attributes and evaluations, in the order they came.
        with_values: Indexes of those that hold a value: only these make a kind.
        rows_in_last_table: Spans in the project's last table.
    """
    new: list[StoredColumn] = []
    position = len(catalogue.columns)
    for column in incoming:
        known = catalogue.by_logical.get(column.logical, ())
        if parse_evaluation_column(column.logical) is not None:
            if not known:
                new.append(StoredColumn(column.logical, None, Place.EVALUATION))
            continue
        kind = column.incoming.kind if column.index in with_values else None
        if not known or (kind is not None and kind not in {stored.kind for stored in known}):
            name = f"a{position + len(new)}" if kind is not None else None
            new.append(StoredColumn(column.logical, kind, Place.ATTRIBUTE, None, name))
    return _placed(catalogue, new, rows_in_last_table)


def _placed(
    catalogue: ProjectCatalogue, new: Sequence[StoredColumn], rows_in_last_table: int
) -> Additions:
    number = catalogue.span_tables[-1].number
    table: StoredTable | None = None
    physical = sum(1 for column in new if column.physical is not None)
    if physical * rows_in_last_table * _ADDED_ROW_BYTES > _ADDED_LIMIT_BYTES:
        number += 1
        table = StoredTable(Role.SPANS, number, f"spans_{catalogue.project.number}_{number}")
    placed = (
        column if column.physical is None else replace(column, table=number) for column in new
    )
    return Additions(tuple(placed), table)


def apply_additions(
    cursor: DuckDBPyConnection, catalogue: ProjectCatalogue, additions: Additions
) -> ProjectCatalogue:
    """Create the missing columns and return the catalogue that has them.

    One transaction with the rows that need them: a reader never sees the one without the other.
    """
    if not additions.columns:
        return catalogue
    columns = (*catalogue.columns, *additions.columns)
    tables = catalogue.tables
    number = catalogue.project.number
    if additions.table is not None:
        create_spans_table(cursor, number, additions.table, columns)
        tables = (*tables, additions.table)
    else:
        _alter_table(cursor, catalogue.span_tables[-1].name, additions.columns)
    insert_columns(cursor, number, additions.columns, first=len(catalogue.columns))
    return replace(catalogue, tables=tables, columns=columns)


def create_spans_table(
    cursor: DuckDBPyConnection, project: int, table: StoredTable, columns: Iterable[StoredColumn]
) -> None:
    """Create a table of spans with every physical column, and its row of the catalogue."""
    cursor.execute(statements.script_on("spans_table", (("spans", table.name),)))
    attributes = [column for column in columns if column.place is Place.ATTRIBUTE]
    _alter_table(cursor, table.name, attributes)
    insert_table(cursor, project, table)


def _alter_table(cursor: DuckDBPyConnection, table: str, columns: Iterable[StoredColumn]) -> None:
    for column in columns:
        if column.kind is not None and column.physical is not None:
            cursor.execute(statements.add_column(table, column.physical, column.kind.sql_type))


def insert_table(cursor: DuckDBPyConnection, project: int, table: StoredTable) -> None:
    """Write a table's row of the catalogue."""
    cursor.execute(
        "INSERT INTO tables VALUES (?, ?, ?, ?, 0)",
        [project, table.role.value, table.number, table.name],
    )


def insert_columns(
    cursor: DuckDBPyConnection, project: int, columns: Sequence[StoredColumn], *, first: int
) -> None:
    """Write columns' rows of the catalogue, numbered from `first`."""
    rows = [
        {
            "project": project,
            "position": first + offset,
            "logical": column.logical,
            "kind": None if column.kind is None else column.kind.value,
            "place": column.place.value,
            "table_number": column.table,
            "physical": column.physical,
            "is_json": column.is_json,
            "is_exact_double": column.is_exact_double,
            "may_be_nan": column.may_be_nan,
        }
        for offset, column in enumerate(columns)
    ]
    # One statement for a thousand columns: a statement each would take a second.
    cursor.register("new_columns", pa.Table.from_pylist(rows, schema=_COLUMN_ROWS))
    cursor.execute("INSERT INTO columns BY NAME SELECT * FROM new_columns")
    cursor.unregister("new_columns")
