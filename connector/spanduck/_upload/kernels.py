"""DuckDB's JSON and time functions, applied to Arrow columns.

What pyarrow has no kernel for.
"""

from __future__ import annotations

import atexit
import threading
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Kernels:
    """A DuckDB connection that computes on Arrow columns; a context manager.

    Each statement is a file of `spanduck_sql/upload`, over a table `given` with a column `value`
    and, where it reports rows, their number in `row_index`. Not thread-safe.
    """

    def __init__(self) -> None:
        self._con: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; calling it again does nothing."""
        if self._con is not None:
            self._con.close()
            self._con = None

    def truth(self, statement: str, values: pa.Array) -> bool:
        """Run a statement that gives one boolean for all values.

        Raises:
            duckdb.Error: A value that the statement cannot take.
        """
        con = self._connection()
        con.register("given", pa.table({"value": values}))
        try:
            # Half the cost of a relation, which is bound before it is run.
            return bool(con.execute(_statement(statement)).fetchall()[0][0])
        finally:
            con.unregister("given")

    def column(self, statement: str, values: pa.Array, *parameters: object) -> pa.Array:
        """Run a statement that gives one value for each one given, in order.

        Raises:
            duckdb.Error: A value that the statement cannot take.
        """
        table = self.table(statement, pa.table({"value": values}), *parameters)
        column = table.column(0)
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)

    def table(self, statement: str, given: pa.Table, *parameters: object) -> pa.Table:
        """Run a statement over the table `given` and return its result.

        Raises:
            duckdb.Error: A value that the statement cannot take.
        """
        con = self._connection()
        con.register("given", given)
        try:
            return con.sql(_statement(statement), params=list(parameters)).to_arrow_table()
        finally:
            con.unregister("given")

    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._con is None:
            self._con = _shared().cursor()
            # Texts without a zone are UTC.
            self._con.execute("SET TimeZone = 'UTC'")
        return self._con


_lock = threading.Lock()
_database: duckdb.DuckDBPyConnection | None = None


def _shared() -> duckdb.DuckDBPyConnection:
    # To open a database takes longer than to check a thousand spans.
    global _database  # noqa: PLW0603
    with _lock:
        if _database is None:
            _database = duckdb.connect(":memory:")
            # Handles that are alive when the interpreter ends make the bindings print of leaks.
            atexit.register(_database.close)
        return _database


@cache
def _statement(name: str) -> str:
    return files("spanduck_sql").joinpath("upload", f"{name}.sql").read_text(encoding="utf-8")
