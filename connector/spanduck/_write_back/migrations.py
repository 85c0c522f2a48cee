"""The schema of the state: its versions, and how an older one becomes the newest."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import duckdb

from spanduck.exceptions import StateError

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION: Final = 2
SCHEMA: Final = "spanduck_state"
_OTHER_SHAPE: Final = (duckdb.ProgrammingError, duckdb.DataError)
"""What the engine says of tables that are there and are not ours."""


@cache
def text_of(name: str) -> str:
    """Return the text of a file of `spanduck_sql/state`."""
    return (files("spanduck_sql") / "state" / f"{name}.sql").read_text(encoding="utf-8")


def steps() -> list[str]:
    """Return what makes each version of the one before it; the first is made of nothing."""
    return [text_of(f"version_{version}") for version in range(1, VERSION + 1)]


def migrate(
    connection: duckdb.DuckDBPyConnection, place: str, texts: Sequence[str] | None = None
) -> None:
    """Make the tables, or bring those of an older release to the newest version.

    All of it in one transaction: whatever ends it leaves the version that was there.

    Args:
        connection: In the database of the state, and nobody else there at the same time.
        place: Where the state is, for people.
        texts: What makes each version of the one before it; `steps()` by default.

    Raises:
        StateError: The state is of a newer release, or is none, or cannot be changed.
    """
    made = steps() if texts is None else texts
    version = _version(connection, place)
    if version > len(made):
        raise StateError(
            f"the state in {place} has version {version}, and this release knows {len(made)}",
            next_step="Install the newer spanduck that wrote it, or name another state with state="
            " (--state).",
        )
    try:
        if version < len(made):
            _run_whole(connection, made[version:])
        ((is_same_engine,),) = connection.execute(text_of("read_engine")).fetchall()
        if not is_same_engine:
            _run_whole(connection, [text_of("set_engine")])
    except duckdb.Error as exc:
        raise _cannot_be_made(version, len(made), place, exc) from exc


def _version(connection: duckdb.DuckDBPyConnection, place: str) -> int:
    try:
        if not connection.execute(text_of("find_tables")).fetchall():
            return 0
        ((version,),) = connection.execute(text_of("read_version")).fetchall()
    except duckdb.Error as exc:
        raise _cannot_be_made(0, 0, place, exc) from exc
    return int(version)


def _run_whole(connection: duckdb.DuckDBPyConnection, texts: Sequence[str]) -> None:
    connection.begin()
    try:
        for text in texts:
            connection.execute(text)
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _cannot_be_made(version: int, newest: int, place: str, exc: duckdb.Error) -> StateError:
    if version:
        return StateError(
            f"the state in {place} cannot be brought from version {version} to {newest}, and is as"
            f" it was: {exc}",
            next_step="Name another state with state= (--state); what the service holds is learnt"
            " by a run with against='service' (--against service).",
        )
    if "Ambiguous reference" in str(exc):
        return StateError(
            f"the schema {SCHEMA} in {place} cannot be told from a database of that name: {exc}",
            next_step=f"Attach the database {SCHEMA} under another name, or name a file of its own"
            " for the state with state= (--state).",
        )
    if not isinstance(exc, _OTHER_SHAPE):
        return StateError(
            f"the state in {place} cannot be made: {exc}",
            next_step="Make room for it there, or name another state with state= (--state).",
        )
    return StateError(
        f"the schema {SCHEMA} in {place} is no state of write-backs: {exc}",
        next_step="Name another state with state= (--state), or drop the schema.",
    )
