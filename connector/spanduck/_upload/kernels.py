"""DuckDB's JSON and time functions, applied to Arrow columns.

What pyarrow has no kernel for.
"""

from __future__ import annotations

import atexit
import threading
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

if TYPE_CHECKING:
    from typing import Self


class Kernels:
    """A DuckDB connection that computes on Arrow columns; a context manager.

    Each statement is a file of `spanduck_sql/upload`, over a table `given` with a column `value`,
    or with `element` and `row_index`. Not thread-safe.
    """

    def __init__(self) -> None:
        self._con: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
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
        con = self._connection()
        con.register("given", pa.table({"value": values}))
        try:
            table = con.sql(_statement(statement), params=list(parameters)).to_arrow_table()
        finally:
            con.unregister("given")
        column = table.column(0)
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)

    def broken(self, statement: str, elements: pa.Table) -> list[dict[str, Any]]:
        """Run a statement that finds elements which break rules, and tell of each rule.

        Args:
            statement: Its name.
            elements: Elements of lists, `element`, and the row of each, `row_index`.

        Returns:
            Of each rule that is broken: `rule`, the first `row_index` and its `element`, and in how
            many `lists`.

        Raises:
            duckdb.Error: A value that the statement cannot take.
        """
        con = self._connection()
        con.register("given", elements)
        try:
            found = con.sql(_statement(statement)).query("broken", _statement("first_of_rule"))
            assert found is not None  # noqa: S101 - a SELECT has a result
            told: list[dict[str, Any]] = found.to_arrow_table().to_pylist()
        finally:
            con.unregister("given")
        return told

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
