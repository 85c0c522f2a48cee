"""Metadata patches: each sets top-level keys of one span's `attributes.metadata`.

A row that cannot be applied fails alone. Columns are merged by DuckDB's JSON functions.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from sqlglot import exp

from spanduck._wire import PATCH_DOCUMENT, MetadataResult
from spanduck.server import projects, statements
from spanduck.server.columns import apply_additions, incoming_value, plan_additions
from spanduck.server.errors import RequestError
from spanduck.server.kinds import IncomingKind, Kind
from spanduck.server.merging import stage_wide
from spanduck.server.scripts import script
from spanduck.server.spool import IncomingColumn
from spanduck_sql.schema import METADATA

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from spanduck.server.catalogue import ProjectCatalogue, StoredColumn, StoredTable
    from spanduck.server.spool import Spool

_DOCUMENTS: Final = frozenset({Kind.STRING, Kind.JSON})


def patch_column(spool: Spool) -> tuple[IncomingColumn, ...]:
    """Return the column of patches.

    Raises:
        RequestError: There is none, or it has an impossible type.
    """
    if PATCH_DOCUMENT not in spool.schema.names:
        raise RequestError(
            f"the metadata has no column {PATCH_DOCUMENT!r}",
            next_step="Every row needs a patch: the text of a JSON object.",
        )
    return (spool.column(PATCH_DOCUMENT),)


def patch(
    cursor: DuckDBPyConnection,
    catalogue: ProjectCatalogue,
    spool: Spool,
    span_id: IncomingColumn,
    document: IncomingColumn,
) -> MetadataResult:
    """Apply the patches of a checked body, inside a writing transaction, once in it.

    Leaves temporary tables behind, which vanish with the transaction's connection.

    Args:
        cursor: The transaction.
        catalogue: The project's catalogue as this transaction sees it.
        spool: The body.
        span_id: Its column of span ids.
        document: Its column of patches.
    """
    # Nobody can have sent it, so nothing else is turned into null with it.
    cursor.execute("SET VARIABLE null_text = ?", [f'"{secrets.token_hex(16)}"'])
    _stage(cursor, spool, span_id, document)
    rows, spans = _one(cursor, "SELECT count(*), count(DISTINCT span_id) FROM patches")
    if rows == spans:
        cursor.execute("CREATE TEMP VIEW asked AS FROM patches WHERE patch IS NOT NULL")
    else:
        cursor.execute(script("metadata_grouped"))
    cursor.execute(statements.create_temporary("found", _found(catalogue)))
    cursor.execute(script("metadata_merged"))
    if _one(cursor, "SELECT count(document) FROM merged")[0]:
        _write(cursor, catalogue)
    errors = cursor.execute(script("metadata_failed")).fetchall()
    return MetadataResult(rows, rows - len(errors), len(errors), tuple(errors))


def _stage(
    cursor: DuckDBPyConnection, spool: Spool, span_id: IncomingColumn, document: IncomingColumn
) -> None:
    values = [
        incoming_value(span_id, "VARCHAR").as_("span_id"),
        incoming_value(document, "VARCHAR").as_("document"),
    ]
    stage_wide(cursor, spool, (span_id, document), values)
    cursor.execute(script("metadata_patches"))


def _found(catalogue: ProjectCatalogue) -> exp.Query:
    """Return the spans of the call: where each lies, and what metadata it has."""
    asked = exp.column("span_id").isin(exp.select("span_id").from_("asked"))
    return statements.union_all(
        [
            exp.select(
                exp.Literal.number(table.number).as_("table_number"),
                exp.column("rowid").as_(statements.ROW_ID),
                exp.column("span_id"),
                _document(catalogue, table).as_("document"),
            )
            .from_(table.name)
            .where(asked.copy())
            for table in catalogue.span_tables
        ]
    )


def _document(catalogue: ProjectCatalogue, table: StoredTable) -> exp.Expr:
    values = [
        statements.canonical_text(statements.column(str(column.physical)), column.kind)
        for column in _stored(catalogue)
        if column.kind is not None and (column.table or 0) <= table.number
    ]
    if not values:
        return statements.cast(exp.null(), "VARCHAR")
    return exp.Coalesce(this=values[0], expressions=values[1:])


def _stored(catalogue: ProjectCatalogue) -> list[StoredColumn]:
    return [column for column in catalogue.by_logical.get(METADATA, ()) if column.kind is not None]


def _write(cursor: DuckDBPyConnection, catalogue: ProjectCatalogue) -> None:
    """Store what was merged, all of it in one column."""
    catalogue = _with_column(cursor, catalogue)
    documents = [column for column in _stored(catalogue) if column.kind in _DOCUMENTS]
    # The one that most tables have.
    target = min(documents, key=lambda column: column.table or 0)
    for table in catalogue.span_tables:
        if (target.table or 0) > table.number:
            _move(cursor, catalogue, table, target)
            continue
        others = [
            str(column.physical)
            for column in documents
            if column is not target and (column.table or 0) <= table.number
        ]
        cursor.execute(
            statements.update_found(table.name, table.number, str(target.physical), others)
        )


def _with_column(cursor: DuckDBPyConnection, catalogue: ProjectCatalogue) -> ProjectCatalogue:
    """Add a column for metadata where there is none yet that holds documents."""
    if any(column.kind in _DOCUMENTS for column in _stored(catalogue)):
        return catalogue
    last = catalogue.span_tables[-1].name
    rows = _one(cursor, statements.count(last, windowed=False))[0]
    new = IncomingColumn(0, METADATA, IncomingKind(Kind.STRING, pa.string()))
    additions = plan_additions(catalogue, (new,), {new.index}, rows)
    catalogue = apply_additions(cursor, catalogue, additions)
    projects.next_generation(cursor, catalogue.project)
    return catalogue


def _move(
    cursor: DuckDBPyConnection,
    catalogue: ProjectCatalogue,
    table: StoredTable,
    target: StoredColumn,
) -> None:
    """Move spans of a table that lacks the column to the last one, which has every column."""
    last = catalogue.span_tables[-1].name
    cursor.execute(statements.move_found(table.name, table.number, last, str(target.physical)))
    cursor.execute(statements.delete_moved(table.name, table.number))
    moved = _one(cursor, "SELECT count(document) FROM merged WHERE table_number = ?", table.number)
    projects.add_dead_rows(cursor, table.name, moved[0])


def _one(cursor: DuckDBPyConnection, text: str, *parameters: int) -> tuple[int, ...]:
    row: tuple[int, ...] = cursor.execute(text, list(parameters)).fetchall()[0]
    return row
