"""The store's schema version: created, migrated step by step, never read by an older program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import duckdb

from spanduck.exceptions import StoreError
from spanduck.server import catalogue, statements
from spanduck.server.catalogue import Role
from spanduck.server.scripts import script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from duckdb import DuckDBPyConnection

DEFAULT_SPACE: Final = "default"


def _first(cursor: DuckDBPyConnection) -> None:
    cursor.execute(script("migration_001"))
    cursor.execute(
        "INSERT INTO spaces VALUES (1, ?, ?, '', ?)",
        [catalogue.new_id("Space", 1), DEFAULT_SPACE, catalogue.now()],
    )


def _second(cursor: DuckDBPyConnection) -> None:
    cursor.execute(script("migration_002"))


def _third(cursor: DuckDBPyConnection) -> None:
    cursor.execute(script("migration_003"))
    for (number,) in cursor.execute("SELECT number FROM projects").fetchall():
        for role in (Role.ANNOTATIONS, Role.NOTES):
            name = f"{role.value}_{number}_0"
            cursor.execute(statements.script_on(f"{role.value}_table", ((role.value, name),)))
            cursor.execute("INSERT INTO tables VALUES (?, ?, 0, ?, 0)", [number, role.value, name])


# Step n takes a store from version n to n + 1. Steps are never edited once released.
_STEPS: Final[Sequence[Callable[[DuckDBPyConnection], None]]] = (_first, _second, _third)
VERSION: Final = len(_STEPS)


def migrate(connection: DuckDBPyConnection) -> None:
    """Bring the schema to `VERSION`, in one transaction.

    Raises:
        StoreError: The store is of a newer version, or no store of ours.
    """
    connection.execute("BEGIN TRANSACTION")
    try:
        connection.execute("CREATE TABLE IF NOT EXISTS store_version (version INTEGER NOT NULL)")
        rows = connection.execute("SELECT version FROM store_version").fetchall()
        version = rows[0][0] if rows else 0
        _refuse_newer(version)
        for step in _STEPS[version:]:
            step(connection)
        if version < VERSION:
            connection.execute("DELETE FROM store_version")
            connection.execute("INSERT INTO store_version VALUES (?)", [VERSION])
        connection.execute("COMMIT")
    except duckdb.Error as exc:
        connection.execute("ROLLBACK")
        raise StoreError(f"the store cannot be brought to version {VERSION}: {exc}") from exc
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _refuse_newer(version: int) -> None:
    if version > VERSION:
        raise StoreError(
            f"the store has the schema version {version}, this program knows {VERSION}",
            next_step="Use a newer spanduck, or another folder.",
        )
