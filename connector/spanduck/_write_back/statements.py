"""The statements of `spanduck_sql/write_back`, on a write-back's private database."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from spanduck._write_back.queries import statement
from spanduck._write_back.state import read_table, run_statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import duckdb
    import pyarrow as pa

_PORTION_ROWS: Final = 50_000


# `Any`: parameters and results are of the types of their columns.
class Statements:
    """Runs statements by the names of their files.

    Args:
        connection: For one thread at a time.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        # A database that believes that somebody is watching writes bars to stdout.
        connection.execute("SET enable_progress_bar = false")

    def run(self, name: str, given: Mapping[str, Any] | None = None) -> None:
        """Run statements, each with those of the parameters that it names."""
        run_statements(self.connection, statement(name), given or {})

    def table(self, name: str, given: Mapping[str, Any] | None = None) -> pa.Table:
        """Return what a query yields, as a table."""
        return read_table(self.connection, statement(name), given or {})

    def rows(self, name: str, given: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Return what statements yield, as rows."""
        return run_statements(self.connection, statement(name), given or {}).fetchall()

    def number(self, name: str) -> int:
        """Return the one number that a query yields."""
        ((number,),) = self.rows(name)
        return int(number)

    def query(self, name: str) -> duckdb.DuckDBPyRelation:
        """Return a query that streams; it reads variables only, see `set`."""
        return self.connection.sql(statement(name))

    def portions(
        self, name: str, variables: Mapping[str, Any], *, ids: int
    ) -> Iterator[duckdb.DuckDBPyRelation]:
        """Yield a query for each portion of the values, in their order, so that it takes no memory.

        Args:
            name: Reads what has ids from the variable `first_id` up to `end_id`.
            variables: Others that it reads.
            ids: The first id that no value has.
        """
        # Of known values the ids are there alone.
        step = max(_PORTION_ROWS, _PORTION_ROWS * ids // max(self.number("count_values"), 1))
        with self.cursor() as sql:
            for variable, value in variables.items():
                sql.set(variable, value)
            for first in range(0, ids, step):
                sql.set("first_id", first)
                sql.set("end_id", first + step)
                yield sql.query(name)

    def set(self, name: str, value: Any) -> None:
        """Set a variable that statements read."""
        # The names are our own; a variable cannot be named by a parameter.
        self.connection.execute(f"SET VARIABLE {name} = $value", {"value": value})

    @contextmanager
    def registered(self, name: str, table: pa.Table) -> Iterator[None]:
        """Have statements see a table under a name."""
        self.connection.register(name, table)
        try:
            yield
        finally:
            self.connection.unregister(name)

    def cursor(self) -> Statements:
        """Return the same on a connection of its own, to close."""
        cursor = Statements(self.connection.cursor())
        # A cursor begins in the database that was opened, which is none of the attached ones.
        cursor.connection.execute("USE ledger")
        return cursor

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
