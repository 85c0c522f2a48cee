"""What every merge of a call's rows into a project's tables begins and ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from spanduck.server import projects, statements
from spanduck.server.scripts import script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

    from spanduck.server.spool import IncomingColumn, Spool


def stage_wide(
    cursor: DuckDBPyConnection,
    spool: Spool,
    columns: Sequence[IncomingColumn],
    values: Sequence[exp.Expr],
) -> None:
    """Fill the temporary table `wide` with the rows of a body, in their order.

    Args:
        cursor: The transaction.
        spool: The body.
        columns: What is read of it.
        values: What is kept of that, by the columns' aliases.
    """
    cursor.register("incoming", spool.reader(columns))
    cursor.execute(statements.create_temporary("wide", exp.select(*values).from_("incoming")))
    cursor.unregister("incoming")


def replace_merged(cursor: DuckDBPyConnection, role: str, table: str, **parameters: object) -> None:
    """Delete from a long table what is merged anew, and insert it.

    Args:
        cursor: The transaction.
        role: Which long table: the store's scripts are called by it.
        table: Its name.
        **parameters: Of the insertion.
    """
    tables = ((role, table),)
    deleted = cursor.execute(statements.script_on(f"{role}_delete", tables)).fetchall()[0][0]
    projects.add_dead_rows(cursor, table, deleted)
    cursor.execute(statements.script_on(f"{role}_insert", tables), parameters or None)


def unmatched_ids(cursor: DuckDBPyConnection) -> tuple[str, ...]:
    """Return the ids of `wide` that no span has, each once, in the order of the call."""
    rows = cursor.execute(script("unmatched_ids")).fetchall()
    return tuple(row[0] for row in rows)
