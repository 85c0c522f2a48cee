"""The store: one DuckDB database in a folder, one writer at a time, readers on their snapshots.

What a transaction has committed is on the disk: DuckDB syncs its log before a commit returns.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import duckdb

from spanduck.exceptions import StoreError
from spanduck.server.catalogue import CatalogueCache
from spanduck.server.migrations import migrate
from spanduck.server.scripts import script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

_DATABASE: Final = "store.duckdb"
_SCRATCH: Final = "tmp"
# The server must stay under 1 GB while hundreds of megabytes arrive. DuckDB gets this much of it
# and spills the rest to the scratch folder; Arrow buffers, Flight and Python have the remainder.
_MEMORY_LIMIT: Final = "400MB"
# A wide project writes each checkpoint through every column: at DuckDB's 16 MB, calls of 10,000
# spans would each pay for one.
_CHECKPOINT_THRESHOLD: Final = "64MB"
ROW_GROUP_ROWS: Final = 61_440
"""Half of DuckDB's own. A row group under way is held in memory: at a thousand columns, half a
gigabyte of it. Complete ones go straight to the file, which spares large calls the log.
"""

# Each thread has buffers of its own; more of them than this would not fit in the memory limit well.
_THREADS_LIMIT: Final = 4


def worker_threads() -> int:
    """Return how many threads DuckDB may use: one for each processor, but not more than four."""
    return min(os.cpu_count() or 1, _THREADS_LIMIT)


@dataclass
class Store:
    """An open store. A context manager; `close` is idempotent.

    Attributes:
        path: The folder.
        scratch: A folder for bodies being received; emptied when the store is opened.
        catalogues: Catalogues that readers remember.
        commits: Transactions committed so far. While it stays, what was read before still holds.
        strict_configs: Whether an annotation must fit an annotation config of its space.
        writers_waiting: How many wait for the writer before them to end.
    """

    path: Path
    scratch: Path
    _connection: DuckDBPyConnection
    catalogues: CatalogueCache = field(default_factory=CatalogueCache)
    commits: int = 0
    strict_configs: bool = False
    writers_waiting: int = 0
    _writer: threading.Lock = field(default_factory=threading.Lock)
    _waiting: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    @classmethod
    def open(cls, path: Path, *, strict_configs: bool = False) -> Store:
        """Open or create the store in `path`; the caller holds the folder's lock.

        Raises:
            StoreError: The files are damaged, or of a newer version.
        """
        path.mkdir(parents=True, exist_ok=True)
        scratch = path / _SCRATCH
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        file = path / _DATABASE
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": _MEMORY_LIMIT,
            "threads": worker_threads(),
            "temp_directory": str(scratch),
            "preserve_insertion_order": True,
            "checkpoint_threshold": _CHECKPOINT_THRESHOLD,
            "TimeZone": "UTC",
            # Nothing here needs an extension, and a server should not fetch code by itself.
            "autoinstall_known_extensions": False,
        }
        connection = duckdb.connect(":memory:", config=config)
        try:
            # Attached rather than opened, because only so can the size of row groups be chosen.
            connection.execute(
                "ATTACH ? AS store (TYPE DUCKDB, ROW_GROUP_SIZE ?)", [str(file), ROW_GROUP_ROWS]
            )
            connection.execute("USE store")
        except duckdb.Error as exc:
            connection.close()
            raise StoreError(
                f"the store {file} cannot be opened: {exc}",
                next_step="Choose another folder, or restore the file from a backup.",
            ) from exc
        try:
            migrate(connection)
            connection.execute(script("macros"))
        except BaseException:
            connection.close()
            raise
        return cls(path, scratch, connection, strict_configs=strict_configs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def cursor(self) -> DuckDBPyConnection:
        """Return a connection of its own to the database; the caller closes it."""
        cursor = self._connection.cursor()
        cursor.execute("USE store")
        return cursor

    @contextmanager
    def reading(self) -> Iterator[DuckDBPyConnection]:
        """Open a transaction that sees one moment of the store, whatever is written meanwhile."""
        cursor = self.begin_reading()
        try:
            yield cursor
        finally:
            end_reading(cursor)

    def begin_reading(self) -> DuckDBPyConnection:
        """Begin such a transaction; `end_reading` ends it."""
        cursor = self.cursor()
        try:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
        except BaseException:
            cursor.close()
            raise
        return cursor

    @contextmanager
    def writing(self) -> Iterator[DuckDBPyConnection]:
        """Wait for the other writers, then open a transaction; durable when the block ends.

        An exception in the block rolls everything back. Temporary tables and registered objects
        vanish with the cursor.
        """
        with self._turn():
            cursor = self.cursor()
            try:
                cursor.execute("BEGIN TRANSACTION")
                try:
                    yield cursor
                except BaseException:
                    cursor.execute("ROLLBACK")
                    raise
                cursor.execute("COMMIT")
                self.commits += 1
            finally:
                cursor.close()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        self._wait(1)
        try:
            self._writer.acquire()
        finally:
            self._wait(-1)
        try:
            yield
        finally:
            self._writer.release()

    def _wait(self, writers: int) -> None:
        with self._waiting:
            self.writers_waiting += writers

    def new_scratch_file(self) -> Path:
        """Create an empty file for a body being received; the caller removes it."""
        handle, name = tempfile.mkstemp(dir=self.scratch, suffix=".arrow")
        os.close(handle)
        return Path(name)

    def close(self) -> None:
        """Wait for the writer, fold the log into the database and close it."""
        with self._turn():
            if self._closed:
                return
            self._closed = True
            self._connection.close()


def end_reading(cursor: DuckDBPyConnection) -> None:
    """End a transaction of `Store.begin_reading` and close its connection."""
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:
        # A query that failed has ended the transaction already.
        pass
    finally:
        cursor.close()
