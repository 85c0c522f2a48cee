"""What is known of earlier write-backs: tables in the schema `spanduck_state` of a DuckDB database.

Everything that a run must not forget is written before it goes on, in one transaction each: what a
call carries before it is made, and what became of it once it was answered.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb

from spanduck.exceptions import ConfigError, StateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from typing import Self

    import pyarrow as pa

VERSION: Final = 1
FORGETFUL: Final = ":memory:"
"""A state that ends with the run: everything is sent each time."""
_SCHEMA: Final = "spanduck_state"
_FILE: Final = "state.duckdb"
_READ_ROWS: Final = 50_000
_MEMORY_LIMIT: Final = "160MB"
_LOCK_WAIT_S: Final = 10.0
_LOCK_PAUSE_S: Final = 0.1
_TURN: Final = threading.Lock()
"""Models of one process write to a state in turn: its transactions would conflict."""
_live: set[str] = set()
"""Runs of this process that have not ended: what they have sent is theirs to settle."""


@dataclass(frozen=True)
class Target:
    """What a run writes to.

    Attributes:
        model: Name of the model, by which its failures and its watermark are kept.
        kind: `eval`, `annotation` or `metadata`.
        space_id: Id of the space.
        project_id: Id of the project: one that is made anew under an old name is another.
        project: Its name.
    """

    model: str
    kind: str
    space_id: str
    project_id: str
    project: str

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return dict(vars(self))


class State:
    """The state, for one run. A context manager; not for several threads at once.

    Args:
        connection: A connection of the state's own, closed with it.
        target: What the run writes to.
        run_id: The run.
        place: Where the state is, for people.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, target: Target, run_id: str, place: str
    ) -> None:
        self._connection = connection
        # A run that only plans has no number.
        self._names: dict[str, Any] = {**target.to_dict(), "run_id": run_id, "run": -1}
        self._not_looked_for: set[str] = set()
        self.place = place

    def of_kind(self, kind: str) -> Self:
        """Name the kind of the run's values, which only the query tells; returns the state."""
        self._names["kind"] = kind
        with self._transaction():
            rows = self._run("find_target").fetchall() or self._run("add_target").fetchall()
        self._names["target"] = rows[0][0]
        return self

    def begin_run(self) -> None:
        """Note that the run has begun, and that earlier ones of its model are over."""
        _live.add(self._names["run_id"])
        with self._transaction():
            self._run("interrupted_runs", {"others": list(self._others())})
            self._names["run"] = self._run("begin_run").fetchall()[0][0]

    def end_run(self, outcome: Mapping[str, Any]) -> None:
        """Note what the run came to."""
        with self._transaction():
            self._run("end_run", outcome)

    def break_run(self, status: str, error: str) -> None:
        """Note that the run did not come to its end; what it wrote is in the changelog."""
        with self._transaction():
            self._run("break_run", {"status": status, "error": error})

    def adopt(self, entries: pa.Table) -> None:
        """Note values that the service turned out to hold."""
        with self._incoming("incoming_entries", entries), self._transaction():
            self._replace()

    def accepted(self) -> Iterator[pa.RecordBatch]:
        """Stream the hashes of what the service holds of the project, as far as is known."""
        self._connection.execute(
            "SET VARIABLE spanduck_target = $target", {"target": self._names["target"]}
        )
        relation = self._connection.sql(_text("read_accepted"))
        yield from relation.to_arrow_reader(_READ_ROWS)

    def failed(self) -> pa.Table:
        """Return the keys of the model's values that earlier runs did not write."""
        return read_table(self._connection, _text("read_failed"), self._names)

    def pending(self) -> pa.Table:
        """Return (span_id, level, name) of values sent without an answer, by runs that ended."""
        self._not_looked_for = self._others()
        others = {"others": list(self._not_looked_for)}
        return read_table(self._connection, _text("read_pending"), {**self._names, **others})

    def settle_pending(self, seen: pa.Table) -> None:
        """Note what became of what was `pending`, from the hashes of what the service holds."""
        others = list(self._not_looked_for | self._others())
        with self._incoming("incoming_seen", seen), self._transaction():
            self._run("settle_pending", {"others": others})

    def begin_call(self, call: int, entries: pa.Table) -> None:
        """Note what a call is about to carry."""
        with self._incoming("incoming_entries", entries), self._transaction():
            self._run("begin_call", {"call": call})

    def forget_call(self, call: int) -> None:
        """Note that nothing of a call has arrived."""
        with self._transaction():
            self._run("forget_call", {"call": call})

    def end_call(self, call: int, accepted: pa.Table, *, has_changed: bool) -> None:
        """Note that a call was answered.

        Args:
            call: Its number.
            accepted: The entries that the service has taken.
            has_changed: Some of them are not new.
        """
        with self._incoming("incoming_entries", accepted), self._transaction():
            self._run("forget_call", {"call": call})
            self._run("log_accepted")
            self._run("forget_rejected")
            if has_changed:
                self._replace()
            else:
                self._run("keep_new")

    def note_refused(self, refusals: pa.Table) -> None:
        """Keep values that were not written, with the reason."""
        with self._incoming("incoming_refusals", refusals), self._transaction():
            self._run("log_refused")
            self._run("keep_refused")

    def forget_old_rejected(self) -> None:
        """Forget what earlier runs of the model failed to write: this one looked at all of it."""
        with self._transaction():
            self._run("forget_old_rejected")

    def watermark(self) -> datetime | None:
        """Return up to which start of a span the model has been run."""
        rows = self._run("read_watermark").fetchall()
        return rows[0][0] if rows else None

    def set_watermark(self, watermark: datetime) -> None:
        """Note up to which start of a span the model has been run."""
        with self._transaction():
            self._run("set_watermark", {"watermark": watermark})

    def close(self) -> None:
        """Close the connection. Idempotent."""
        _live.discard(self._names["run_id"])
        self._connection.close()

    def _others(self) -> set[str]:
        return _live - {self._names["run_id"]}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _replace(self) -> None:
        self._run("replace_changed")
        self._run("forget_merged")
        self._run("keep_merged")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with _TURN:
            self._connection.begin()
            try:
                yield
            except BaseException:
                with contextlib.suppress(duckdb.Error):
                    self._connection.rollback()
                raise
            self._connection.commit()

    @contextlib.contextmanager
    def _incoming(self, name: str, table: pa.Table) -> Iterator[None]:
        self._connection.register(name, table)
        try:
            yield
        finally:
            self._connection.unregister(name)

    # `Any`: parameters are of the types of their columns.
    def _run(self, name: str, more: Mapping[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
        given = {**self._names, **(more or {})}
        return run_statements(self._connection, _text(name), given)


def run_statements(
    con: duckdb.DuckDBPyConnection, text: str, given: Mapping[str, Any]
) -> duckdb.DuckDBPyConnection:
    """Run statements, each with those of the parameters that it names; returns the last result."""
    for statement in con.extract_statements(text):
        names = statement.named_parameters
        con.execute(statement, {name: given[name] for name in names} if names else None)
    return con


def read_table(con: duckdb.DuckDBPyConnection, text: str, given: Mapping[str, Any]) -> pa.Table:
    """Return what a query yields; see `run_statements`."""
    (statement,) = con.extract_statements(text)
    named = {name: given[name] for name in statement.named_parameters}
    return con.sql(text, params=named or None).to_arrow_table()


def open_state(
    con: duckdb.DuckDBPyConnection | None,
    place: str | Path | None,
    home: Path,
    target: Target,
    run_id: str,
) -> State:
    """Open the state of write-backs, and make or migrate its tables.

    Args:
        con: The connection that the model runs on.
        place: A file, or `:memory:`; None for the database of `con` when that is a file that may be
            written, else for a file in `home`.
        home: The local folder.
        target: What the run writes to.
        run_id: The run.

    Raises:
        StateError: The state is of a newer release, another process holds it, or it cannot be
            written.
    """
    if place is None and con is not None:
        database = _writable_database(con)
        if database is not None:
            return _prepared(_using(con, database), target, run_id, f"database {database}")
    if place is not None and str(place) == FORGETFUL:
        return _prepared(duckdb.connect(), target, run_id, FORGETFUL)
    path = Path(place) if place is not None else home / _FILE
    database = None if con is None else _database_in(con, path)
    connection = _open_file(path) if con is None or database is None else _using(con, database)
    return _prepared(connection, target, run_id, str(path))


def _prepared(
    connection: duckdb.DuckDBPyConnection, target: Target, run_id: str, place: str
) -> State:
    try:
        connection.execute("SET enable_progress_bar = false")
        with _TURN:
            _migrate(connection, place)
    except duckdb.Error as exc:
        connection.close()
        raise StateError(
            f"the schema {_SCHEMA} in {place} is no state of write-backs: {exc}",
            next_step="Name another state with state= (--state), or drop the schema.",
        ) from exc
    except BaseException:
        connection.close()
        raise
    return State(connection, target, run_id, place)


def _migrate(connection: duckdb.DuckDBPyConnection, place: str) -> None:
    version = _version(connection)
    if version > VERSION:
        raise StateError(
            f"the state in {place} has version {version}, and this release knows {VERSION}",
            next_step="Install the newer spanduck that wrote it, or name another state.",
        )
    if version == VERSION:
        return
    connection.begin()
    try:
        # A file for each version, which makes it of the one before: the first makes it of nothing.
        for step in range(version + 1, VERSION + 1):
            run_statements(connection, _text(f"version_{step}"), {})
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _version(connection: duckdb.DuckDBPyConnection) -> int:
    if not connection.execute(_text("find_tables")).fetchall():
        return 0
    ((version,),) = connection.execute(_text("read_version")).fetchall()
    return int(version)


def _writable_database(con: duckdb.DuckDBPyConnection) -> str | None:
    # Not by a cursor, which has a current database of its own.
    rows = con.sql(_text("find_database")).fetchall()
    return str(rows[0][0]) if rows else None


def _database_in(con: duckdb.DuckDBPyConnection, path: Path) -> str | None:
    # A file is open in one place of a process only.
    with contextlib.closing(con.cursor()) as cursor:
        rows = cursor.execute(_text("find_files")).fetchall()
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


def _open_file(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(
            f"the folder of the state {path} cannot be made: {exc.strerror}",
            next_step="Name another file with state= (--state).",
            setting="state",
        ) from exc
    deadline = time.monotonic() + _LOCK_WAIT_S
    # A run writes a hundred megabytes and more; a checkpoint after each sixteen would double them.
    config: dict[str, str | bool | int | float | list[str]] = {
        "wal_autocheckpoint": "256MB",
        "memory_limit": _MEMORY_LIMIT,
    }
    while True:
        try:
            return duckdb.connect(path, config=config)
        except duckdb.Error as exc:
            is_locked = isinstance(exc, duckdb.IOException) and "lock" in str(exc).lower()
            if not is_locked or time.monotonic() > deadline:
                raise StateError(
                    f"the state {path} cannot be opened: {exc}",
                    next_step="Wait for the other run to end, or name another file with state="
                    " (--state)."
                    if is_locked
                    else "Name another file with state= (--state).",
                ) from exc
            time.sleep(_LOCK_PAUSE_S)


@cache
def _text(name: str) -> str:
    return (files("spanduck_sql") / "state" / f"{name}.sql").read_text(encoding="utf-8")
