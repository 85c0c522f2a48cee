"""The result of a SQL text, whatever statements it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import duckdb

from spanduck.exceptions import ValidationError
from spanduck_sql.statements import projects_read

if TYPE_CHECKING:
    from collections.abc import Callable

    from duckdb import DuckDBPyConnection, DuckDBPyRelation

# A PIVOT is several statements to DuckDB and one query to whoever writes it.
_QUERIES: Final = (duckdb.StatementType.SELECT, duckdb.StatementType.MULTI)


def run_query(
    con: DuckDBPyConnection, text: str, *, refresh: Callable[[str], None]
) -> DuckDBPyRelation | None:
    """Run all statements but a last SELECT, which is only prepared.

    Args:
        con: Where.
        text: One statement or several.
        refresh: Forgets the remembered columns of a project. Called for each project of the text
            when it names a column that none has; then the text is tried once more.

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
    try:
        relation = con.sql(text)
    except duckdb.BinderException:
        if len(statements) > 1:
            # The statements before the failing one have been run, and must not be again.
            raise
        for project in projects_read(text):
            refresh(project)
        relation = con.sql(text)
    if relation is None or statements[-1].type in _QUERIES:
        return relation
    # Others must not be run again by what is made of their result.
    rows = relation.to_arrow_table()
    return con.from_arrow(rows) if len(rows) else None
