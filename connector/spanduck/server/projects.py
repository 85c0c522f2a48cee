"""Creating projects, and keeping the catalogue's generation in step with its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanduck.server import catalogue, statements
from spanduck.server.catalogue import ProjectRecord, Role, StoredTable
from spanduck.server.columns import (
    CORE_COLUMNS,
    create_spans_table,
    insert_columns,
    insert_table,
)
from spanduck.server.errors import ConflictError, RequestError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# The longest name the real service's look-up takes.
_NAME_LIMIT = 255


def create(cursor: DuckDBPyConnection, space_id: str, name: str) -> ProjectRecord:
    """Create a project with its empty tables, inside a writing transaction.

    Raises:
        RequestError: The name is blank or too long.
        ConflictError: The space has a project of this name.
    """
    if not name.strip() or len(name) > _NAME_LIMIT:
        raise RequestError(
            f"the project name {name[:60]!r} is blank or longer than {_NAME_LIMIT} characters"
        )
    if any(known.name == name for known in catalogue.projects(cursor, space_id)):
        raise ConflictError(f"the space has a project {name!r} already")
    rows = cursor.execute("SELECT coalesce(max(number), 0) + 1 FROM projects").fetchall()
    number = rows[0][0]
    created_at = catalogue.now()
    cursor.execute(
        "INSERT INTO projects VALUES (?, ?, ?, ?, ?, 1, 0)",
        [number, catalogue.new_id("Model", number), space_id, name, created_at],
    )
    spans = StoredTable(Role.SPANS, 0, f"spans_{number}_0")
    create_spans_table(cursor, number, spans, CORE_COLUMNS)
    for role in (Role.EVALUATIONS, Role.ANNOTATIONS, Role.NOTES):
        table = StoredTable(role, 0, f"{role.value}_{number}_0")
        cursor.execute(statements.script_on(f"{role.value}_table", ((role.value, table.name),)))
        insert_table(cursor, number, table)
    insert_columns(cursor, number, CORE_COLUMNS, first=0)
    return catalogue.find_project(cursor, space_id, name)


def next_generation(cursor: DuckDBPyConnection, project: ProjectRecord) -> None:
    """Mark a project's catalogue as changed."""
    cursor.execute(
        "UPDATE projects SET generation = generation + 1 WHERE number = ?", [project.number]
    )


def note_row_bytes(cursor: DuckDBPyConnection, project: ProjectRecord, row_bytes: int) -> None:
    """Remember the size of rows, if they are larger than any before."""
    if row_bytes > project.row_bytes:
        cursor.execute(
            "UPDATE projects SET row_bytes = ? WHERE number = ?", [row_bytes, project.number]
        )


def add_dead_rows(cursor: DuckDBPyConnection, table: str, rows: int) -> None:
    """Count rows that were deleted from a table."""
    if rows:
        cursor.execute("UPDATE tables SET dead_rows = dead_rows + ? WHERE name = ?", [rows, table])
