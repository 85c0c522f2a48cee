"""The function that DuckDB calls while it binds `spans(…)`, and the databases it is registered on.

DuckDB keeps a Python function only as long as the connection that registered it, and goes on
calling it from the others. So the function is registered through a connection of our own that is
closed at once, and kept here as long as the process lives: one for each database instance, which is
how a macro that another process left in a file finds the attachment of today.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import itertools
import threading
import weakref
from collections import deque
from contextvars import ContextVar
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import duckdb
from duckdb.func import FunctionNullHandling
from duckdb.sqltypes import DuckDBPyType

from spanduck._function.attachment import QueryError
from spanduck._function.calls import LONG_TABLES, Call, relation_for
from spanduck._function.source import RelationSource, register
from spanduck.exceptions import AlreadyAttachedError, Error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spanduck._function.attachment import Attachment
    from spanduck._function.source import Relation

    Observer = Callable[[Call, Relation], tuple[Relation, str]]

FUNCTION: Final = "spanduck_is_not_loaded__pip_install_spanduck"
"""The function's name is what a user reads who opens the file without spanduck."""

_PARAMETERS: Final = (
    "VARCHAR",  # which table function
    "VARCHAR",  # project
    "BIGINT",  # start_time, microseconds
    "BIGINT",  # end_time
    "VARCHAR",  # filter; further arguments of write_back, as JSON
    "VARCHAR[]",  # columns
    "DOUBLE",  # sample_rate
    "VARCHAR",  # space
)
_WHICH_DATABASE: Final = "which database"
# Enough for the statements in flight; what reads from a source keeps it alive by itself.
_MOST_SOURCES: Final = 256

_lock = threading.RLock()
_databases: dict[str, Database] = {}
_observer: ContextVar[Observer | None] = ContextVar("_observer", default=None)
_numbers = itertools.count(1)


class Database:
    """One DuckDB database instance with our function on it; lives as long as the process.

    Attributes:
        id: What the function answers when it is asked which database it is on.
        attachment: What it uses; None after `detach`.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.id = f"spanduck-{next(_numbers)}"
        self.attachment: Attachment | None = None
        self._sources: deque[Any] = deque(maxlen=_MOST_SOURCES)
        self._connections: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()
        self._path, self._is_read_only = _whereabouts(con)
        self.function = _function(self)
        with contextlib.closing(con.cursor()) as cursor:
            cursor.create_function(
                FUNCTION,
                self.function,
                [DuckDBPyType(name) for name in _PARAMETERS],
                DuckDBPyType("VARCHAR"),
                null_handling=FunctionNullHandling.SPECIAL,
            )
        self.note(con)

    def note(self, con: duckdb.DuckDBPyConnection) -> None:
        """Remember a connection, from which cursors can be made while it is open."""
        self._connections.add(con)

    def bind(self, call: Call) -> str:
        """Return the SQL text that stands for a call."""
        attachment = self.attachment
        if attachment is None:
            raise QueryError(
                "[spanduck.Error] spanduck was detached from this database. "
                "Run spanduck.attach(con)."
            )
        try:
            make = attachment.makers.get(call.function)
            if make is None:
                relation = relation_for(attachment, call)
            else:
                relation = make(attachment, call, self._cursor)
        except Exception as exc:
            raise attachment.reported(exc) from exc
        observer = _observer.get()
        selection = ""
        if observer is not None:
            relation, selection = observer(call, relation)
        source = RelationSource(relation, attachment.reported)
        with contextlib.closing(self._cursor()) as cursor:
            handle = register(cursor, source)
        self._sources.append(handle)
        # The name is made by DuckDB: letters, digits and underscores.
        return f"{selection}FROM {handle.name}"

    def close(self) -> None:
        """Let go of everything but the function. Idempotent."""
        self._sources.clear()
        attachment, self.attachment = self.attachment, None
        if attachment is not None:
            attachment.close()

    def trim(self) -> None:
        """Let go of the sources when every connection we know of is closed."""
        if not any(_is_open(con) for con in list(self._connections)):
            self._sources.clear()

    # A connection of the same database: the one that is binding refuses calls. None is kept open
    # for this, because another process may be waiting for the file.
    def _cursor(self) -> duckdb.DuckDBPyConnection:
        for con in list(self._connections):
            with contextlib.suppress(duckdb.ConnectionException):
                return con.cursor()
        if self._path is not None:
            with contextlib.suppress(duckdb.Error):  # opened with a configuration we do not know
                return duckdb.connect(self._path, read_only=self._is_read_only)
        found = self._find_connection()
        if found is None:
            raise QueryError(
                "[spanduck.Error] every connection that spanduck was attached to is closed. "
                "Run spanduck.attach(con) on this one."
            )
        self.note(found)
        return found.cursor()

    # Rare: spanduck was attached to a cursor of a database in memory, and that cursor was closed.
    def _find_connection(self) -> duckdb.DuckDBPyConnection | None:
        objects = gc.get_objects()
        candidates = (made for made in objects if isinstance(made, duckdb.DuckDBPyConnection))
        return next(filter(self._has_opened, candidates), None)

    def _has_opened(self, con: duckdb.DuckDBPyConnection) -> bool:
        try:
            return database_of(con) is self
        except (duckdb.Error, AlreadyAttachedError):
            return False


@contextlib.contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Let `observer` take the place of what the calls bound by this thread stand for.

    Args:
        observer: Returns what is to be read instead, and `SELECT …` for the columns it is to have.
    """
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)


def database_of(con: duckdb.DuckDBPyConnection) -> Database | None:
    """Return the database that `con` is open on, None when our function is not there.

    Raises:
        AlreadyAttachedError: A function of our name that is not ours is there.
    """
    with contextlib.closing(con.cursor()) as cursor:
        arguments = ", ".join(["?"] + ["NULL"] * (len(_PARAMETERS) - 1))
        try:
            row = cursor.execute(f"SELECT {FUNCTION}({arguments})", [_WHICH_DATABASE]).fetchone()
        except duckdb.CatalogException as exc:
            # Looking the name up among all functions would take ten times as long.
            if f"{FUNCTION} does not exist" in str(exc):
                return None
            row = None
        except (duckdb.FatalException, duckdb.InterruptException, duckdb.OutOfMemoryException):
            # Nothing was learnt of the function.
            raise
        except duckdb.Error:
            row = None
    database = _databases.get(row[0]) if row is not None else None
    if database is None:
        raise AlreadyAttachedError(
            f"a function called {FUNCTION} that is not spanduck's is on this database",
            next_step="Remove it, or attach to another database.",
        )
    return database


def attachment_of(con: duckdb.DuckDBPyConnection) -> Attachment:
    """Return what the functions on the database of `con` use.

    Raises:
        Error: Nothing is attached to it.
        AlreadyAttachedError: As `database_of`.
    """
    database = database_of(con)
    if database is None or database.attachment is None:
        raise Error(
            "spanduck is not attached to this database", next_step="Run spanduck.attach(con)."
        )
    return database.attachment


def database_for(con: duckdb.DuckDBPyConnection) -> Database:
    """Return the database that `con` is open on, with our function registered."""
    with _lock:
        for known in _databases.values():
            known.trim()
        database = database_of(con)
        if database is None:
            database = Database(con)
            _databases[database.id] = database
        else:
            database.note(con)
        return database


def macro_sql(name: str) -> str:
    """Return one of the package's statements."""
    if name in LONG_TABLES:
        # Two functions of the same arguments.
        return macro_sql("long_table").replace("long_table", name)
    text = _file(name)
    # A macro cannot call one of ours: it would be one more thing in the user's schema.
    for expression in ("start_us", "end_us"):
        text = text.replace(f" {expression},", f" {_file(expression)},")
    return text


def _file(name: str) -> str:
    return resources.files("spanduck_sql").joinpath("macros", f"{name}.sql").read_text("utf-8")


# The closure is what DuckDB calls; `Database.function` keeps it alive.
def _function(database: Database) -> Callable[..., str]:
    def spanduck_call(  # noqa: PLR0917 - DuckDB passes arguments by position
        name: str,
        project: str | None,
        start_us: int | None,
        end_us: int | None,
        filter_text: str | None,
        columns: list[str] | None,
        sample_rate: float | None,
        space: str | None,
    ) -> str:
        if name == _WHICH_DATABASE:
            return database.id
        return database.bind(
            Call(name, project, start_us, end_us, filter_text, columns, sample_rate, space)
        )

    return spanduck_call


def _whereabouts(con: duckdb.DuckDBPyConnection) -> tuple[str | None, bool]:
    with contextlib.closing(con.cursor()) as cursor:
        row = cursor.execute(
            "SELECT path, readonly FROM duckdb_databases() WHERE database_name = current_database()"
        ).fetchone()
    return (None, False) if row is None else (row[0], bool(row[1]))


def _is_open(con: duckdb.DuckDBPyConnection) -> bool:
    try:
        con.cursor().close()
    except duckdb.ConnectionException:
        return False
    return True


# Handles that are alive when the interpreter ends are reported as leaks.
@atexit.register
def _close_all() -> None:
    with _lock:
        for database in _databases.values():
            database.close()
