"""Tables in DuckDB: `spans`, `evaluations`, `annotations`, `projects` and `write_back`."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, Final

import duckdb

from spanduck._config import Settings, load_settings
from spanduck._function.attachment import Attachment
from spanduck._function.database import (
    FUNCTION,
    Database,
    attachment_of,
    database_for,
    database_of,
    macro_sql,
)
from spanduck._scan import schema_cache
from spanduck.exceptions import AlreadyAttachedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from spanduck._function.calls import Call
    from spanduck._function.source import Relation

__all__ = ["attach", "cancel", "connect", "detach", "last_error", "refresh"]

FUNCTIONS: Final = ("spans", "evaluations", "annotations", "projects", "write_back")
READ_ONLY_HOME: Final = "spanduck_fn"
"""The in-memory database that holds the functions beside a read-only one."""

_lock = threading.RLock()


def connect(
    database: str | PathLike[str] = ":memory:",
    *,
    read_only: bool = False,
    config: dict[str, Any] | None = None,
    settings: Settings | None = None,
    **overrides: Any,
) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB database with our table functions on it.

    With no API key configured, the embedded server of the local folder is started, or joined.

    Args:
        database: A file, or `:memory:`.
        read_only: As `duckdb.connect`; the functions are then called `spanduck_fn.spans(…)`.
        config: As `duckdb.connect`.
        settings: Resolved settings; else they come from `overrides`, environment and file.
        **overrides: Settings by name, such as `api_key` or `space`.

    Returns:
        A connection of the caller's own, as `duckdb.connect` gives. It keeps working without us.

    Raises:
        ConfigError: A setting is missing or impossible.
        AlreadyAttachedError: The file holds macros of our names that are not ours.

    Example:
        con = spanduck.connect()
        con.sql("SELECT count(*) FROM spans('my-llm-app')").show()
    """
    con = duckdb.connect(str(database), read_only=read_only, config=config or {})
    try:
        attach(con, settings=settings, **overrides)
    except BaseException:
        con.close()
        raise
    return con


def attach(
    con: duckdb.DuckDBPyConnection,
    *,
    settings: Settings | None = None,
    replace: bool = False,
    **overrides: Any,
) -> None:
    """Put our table functions on the database of a connection, for all its connections.

    Idempotent. The macros go to the current schema, and stay in a file, where they are harmless. On
    a read-only database they go to an in-memory one that is attached as `spanduck_fn`. No setting
    of the session is changed.

    Args:
        con: Any connection of the database.
        settings: Resolved settings; else they come from `overrides`, environment and file.
        replace: Use these settings even if others are attached. Open scans are ended.
        **overrides: Settings by name, such as `api_key` or `space`.

    Raises:
        AlreadyAttachedError: Other settings are attached, or a macro of one of our names is not
        ours. ConfigError: A setting is missing or impossible.
    """
    resolved = _resolved(settings, overrides)
    with _lock:
        database = database_for(con)
        _use(database, resolved, replace=replace)
        try:
            _create_macros(con)
        except BaseException:
            if not _has_macros(con):
                database.close()
            raise


def detach(con: duckdb.DuckDBPyConnection) -> None:
    """Remove our table functions from the database of a connection, and end their open scans.

    Idempotent. Calls on connections of the same database fail afterwards.
    """
    with _lock:
        for statement in con.execute(macro_sql("drop_statements"), [FUNCTION]).fetchall():
            with contextlib.suppress(duckdb.InvalidInputException):  # of a read-only database
                con.execute(statement[0])
        if _is_attached_home(con):
            con.execute(f"DETACH {READ_ONLY_HOME}")
        database = database_of(con)
        if database is not None:
            database.close()


def refresh(con: duckdb.DuckDBPyConnection, project: str, *, space: str | None = None) -> None:
    """Forget the columns of a project, so that the next statement asks the service for them again.

    Raises:
        Error: Nothing is attached to the database of `con`.
    """
    attachment = attachment_of(con)
    settings = attachment.settings
    schema_cache.drop(
        settings.service.flight_location,
        attachment.space(space),
        project,
        home=settings.local.home,
    )


def cancel(con: duckdb.DuckDBPyConnection) -> int:
    """End every open scan of the database of a connection; the statements fail within a moment.

    Safe to call from another thread while `con` is busy.

    Returns:
        How many scans were open.
    """
    return attachment_of(con).cancel()


def last_error(con: duckdb.DuckDBPyConnection) -> Exception | None:
    """Return our last error on the database of a connection: the object behind DuckDB's message.

    None when nothing failed since `attach`.
    """
    database = database_of(con)
    if database is None or database.attachment is None:
        return None
    return database.attachment.last_error


def _resolved(settings: Settings | None, overrides: dict[str, Any]) -> Settings:
    resolved = load_settings(overrides) if settings is None else settings
    if resolved.service.api_key is not None:
        return resolved
    # Imported here: with a key there is no server to start.
    from spanduck.embedded import ensure_default  # noqa: PLC0415

    return ensure_default(resolved)


def _use(database: Database, settings: Settings, *, replace: bool) -> None:
    current = database.attachment
    if current is not None and _same(current.settings, settings):
        return
    if current is not None and not replace:
        raise AlreadyAttachedError(
            "spanduck is attached to this database with other settings",
            next_step="Pass replace=True to use these, or open another database.",
        )
    database.attachment = Attachment(settings, {"write_back": _write_back_relation})
    if current is not None:
        current.close()


def _write_back_relation(
    attachment: Attachment, call: Call, connect: Callable[[], duckdb.DuckDBPyConnection]
) -> Relation:
    # Imported here: most statements write nothing back.
    from spanduck._write_back.relation import WriteBackRelation  # noqa: PLC0415

    return WriteBackRelation(attachment, call, connect)


# Where a setting came from is no difference.
def _same(one: Settings, other: Settings) -> bool:
    return (one.service, one.local) == (other.service, other.local)


def _create_macros(con: duckdb.DuckDBPyConnection) -> None:
    row = con.execute(
        "SELECT readonly FROM duckdb_databases() WHERE database_name = current_database()"
    ).fetchone()
    if row is not None and row[0]:
        _create_beside(con)
        return
    foreign = con.execute(macro_sql("foreign_functions"), [list(FUNCTIONS), FUNCTION]).fetchall()
    if foreign:
        raise AlreadyAttachedError(
            f"the current schema has a macro or function {foreign[0][0]!r} that is not spanduck's",
            next_step="Drop it, or attach from another schema (USE …).",
        )
    for name in FUNCTIONS:
        con.execute(macro_sql(name))


def _create_beside(con: duckdb.DuckDBPyConnection) -> None:
    if not _is_attached_home(con):
        # A read-only instance attaches read-only unless told otherwise.
        con.execute(f"ATTACH ':memory:' AS {READ_ONLY_HOME} (READ_WRITE)")
    for name in FUNCTIONS:
        qualified = macro_sql(name).replace(f"MACRO {name}(", f"MACRO {READ_ONLY_HOME}.{name}(", 1)
        con.execute(qualified)


def _is_attached_home(con: duckdb.DuckDBPyConnection) -> bool:
    row = con.execute(
        "SELECT count(*) FROM duckdb_databases() WHERE database_name = ?", [READ_ONLY_HOME]
    ).fetchone()
    return row is not None and row[0] > 0


def _has_macros(con: duckdb.DuckDBPyConnection) -> bool:
    return bool(con.execute(macro_sql("drop_statements"), [FUNCTION]).fetchall())
