"""The result of a SQL text, whatever statements it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import duckdb

from spanduck._sql import run_rewritten
from spanduck.exceptions import ValidationError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

# A PIVOT is several statements to DuckDB and one query to whoever writes it.
_QUERIES: Final = (duckdb.StatementType.SELECT, duckdb.StatementType.MULTI)


def run_query(con: DuckDBPyConnection, text: str) -> DuckDBPyRelation | None:
    """Run all statements but a last SELECT, which is only prepared.

    They are rewritten first, and a single one that names an unknown column is tried once more with
    the columns of its projects asked for again; see `spanduck.sql`.

    Args:
        con: Where.
        text: One statement or several.

    Returns:
        The last statement's result: a query still to be run, or the few rows that other statements
        answer with; None where there are none.

    Raises:
        ValidationError: The text holds no statement.
        duckdb.Error: As DuckDB says.
    """
    statements = con.extract_statements(text)
    if not statements:
        raise ValidationError("the SQL text is empty", next_step="Give a statement.")
    relation = run_rewritten(con, text, con.sql)
    if relation is None or statements[-1].type in _QUERIES:
        return relation
    # Others must not be run again by what is made of their result.
    rows = relation.to_arrow_table()
    return con.from_arrow(rows) if len(rows) else None
