"""Where the state of write-backs is kept, and who has it."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from spanduck._write_back.migrations import migrate, text_of
from spanduck._write_back.state import State
from spanduck.exceptions import CancelledError, ConfigError, StateError

if TYPE_CHECKING:
    from spanduck._write_back.state import Target

FORGETFUL: Final = ":memory:"
"""A state that ends with the run: everything is sent each time."""
_FILE: Final = "state.duckdb"
_MEMORY_LIMIT: Final = "96MB"
_ROW_GROUP_ROWS: Final = 30_720
"""What fills row groups goes to the file at once, past the log: most of what a call is."""
_LOCKED: Final = "could not set lock on file"
"""What the engine says of a file that another process has open."""
_LOCK_WAIT_S: Final = 10.0
_LOCK_PAUSE_S: Final = 0.1
_turn: Final = threading.Lock()
"""Runs of one process open a state in turn: each would make or migrate it."""


def open_state(
    con: duckdb.DuckDBPyConnection | None,
    place: str | Path | None,
    home: Path,
    target: Target,
    run_id: str,
    *,
    stop: threading.Event,
) -> State:
    """Open the state of write-backs, and make or migrate its tables.

    Args:
        con: The connection that the model runs on.
        place: A file, `~` being the user's folder, or `:memory:`; None for the database of `con`
            when that is a file that may be written, else for a file in `home`.
        home: The local folder.
        target: What the run writes to.
        run_id: The run.
        stop: Ends the wait for another process that has the state.

    Raises:
        CancelledError: `stop` was set.
        StateError: The state is of a newer release, another process holds it, or it cannot be
            written.
    """
    if place is None and con is not None:
        database = _writable_database(con)
        if database is not None:
            return _prepared(_using(con, database), target, run_id, f"database {database}")
    if place is not None and str(place) == FORGETFUL:
        return _prepared(duckdb.connect(), target, run_id, FORGETFUL)
    path = _expanded(Path(place) if place is not None else home / _FILE)
    database = None if con is None else _database_in(con, path)
    connection = (
        _open_file(path, stop) if con is None or database is None else _using(con, database)
    )
    return _prepared(connection, target, run_id, str(path))


def _expanded(path: Path) -> Path:
    # As the engine has it: another user's folder is not looked for.
    return path.expanduser() if path.parts[:1] == ("~",) else path


def _prepared(
    connection: duckdb.DuckDBPyConnection, target: Target, run_id: str, place: str
) -> State:
    try:
        connection.execute("SET enable_progress_bar = false")
        with _turn:
            migrate(connection, place)
    except BaseException:
        connection.close()
        raise
    return State(connection, target, run_id, place)


def _writable_database(con: duckdb.DuckDBPyConnection) -> str | None:
    # Not by a cursor, which has a current database of its own.
    rows = con.sql(text_of("find_database")).fetchall()
    return str(rows[0][0]) if rows else None


def _database_in(con: duckdb.DuckDBPyConnection, path: Path) -> str | None:
    # A file is open in one place of a process only.
    with contextlib.closing(con.cursor()) as cursor:
        rows = cursor.execute(text_of("find_files")).fetchall()
    at = path.resolve()
    for name, file, is_readonly in rows:
        if Path(file).resolve() != at:
            continue
        if is_readonly:
            raise StateError(
                f"the state {path} is open for reading only, as the database {name}",
                next_step="Name another file with state= (--state), or open it for writing.",
            )
        return str(name)
    return None


def _using(con: duckdb.DuckDBPyConnection, database: str) -> duckdb.DuckDBPyConnection:
    cursor = con.cursor()
    # Imported here: it takes longer to import than many write-backs to run.
    from sqlglot import exp  # noqa: PLC0415

    cursor.execute(exp.Use(this=exp.to_identifier(database, quoted=True)).sql("duckdb"))
    return cursor


def _open_file(path: Path, stop: threading.Event) -> duckdb.DuckDBPyConnection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(
            f"the folder of the state {path} cannot be made: {exc.strerror}",
            next_step="Name another file with state= (--state).",
            setting="state",
        ) from exc
    deadline = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            return _attached(path)
        except duckdb.Error as exc:
            is_locked = isinstance(exc, duckdb.IOException) and _LOCKED in str(exc).lower()
            if not is_locked or time.monotonic() > deadline:
                raise StateError(
                    f"the state {path} cannot be opened: {exc}",
                    next_step=_next_step(exc, is_locked=is_locked),
                ) from exc
            if stop.wait(_LOCK_PAUSE_S):
                raise CancelledError(
                    "the write-back was cancelled as it waited for its state"
                ) from exc


def _next_step(exc: duckdb.Error, *, is_locked: bool) -> str:
    if is_locked:
        return "Wait for the other run to end, or name another file with state= (--state)."
    if isinstance(exc, duckdb.ResourceInUseException):
        return (
            "Close the connection of this process that has the file open, or run the model on it,"
            " or name another file with state= (--state)."
        )
    return "Name another file with state= (--state)."


def _attached(path: Path) -> duckdb.DuckDBPyConnection:
    file = str(path.resolve())
    config: dict[str, str | bool | int | float | list[str]] = {
        # A run writes a hundred megabytes and more; a checkpoint after each sixteen would double
        # them.
        "wal_autocheckpoint": "256MB",
        "memory_limit": _MEMORY_LIMIT,
        # To keep the order of rows costs half of writing them, and nobody asks for it.
        "preserve_insertion_order": False,
        "temp_directory": f"{file}.tmp",
    }
    # One database instance for all runs of the process on this file, by its name.
    connection = duckdb.connect(f":memory:{file}", config=config)
    try:
        # Attached rather than opened, because only so can the size of row groups be chosen.
        connection.execute(
            "ATTACH IF NOT EXISTS ? AS state (TYPE DUCKDB, ROW_GROUP_SIZE ?)",
            [file, _ROW_GROUP_ROWS],
        )
        connection.execute("USE state")
        # Most of it is hashes and ids. To try how to press them takes longer than to write them.
        connection.execute("PRAGMA force_compression = 'uncompressed'")
    except BaseException:
        connection.close()
        raise
    return connection
