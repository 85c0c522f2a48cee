"""SQL over a part of an export, in a database of its own that is gone when it is done."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import duckdb
import pyarrow as pa


def query(file: str, /, **inputs: pa.Table | str | list[str]) -> pa.Table:
    """Return what a statement of `spanduck_sql/write_back` makes of its inputs.

    Args:
        file: Its name, without the ending.
        **inputs: What it reads: tables by the name they have in it, and parameters.
    """
    tables = {key: value for key, value in inputs.items() if isinstance(value, pa.Table)}
    parameters = {key: value for key, value in inputs.items() if key not in tables}
    # One thread: parts are small. A database that believes that somebody is watching writes bars.
    with duckdb.connect(":memory:", config={"threads": 1}) as database:
        database.execute("SET enable_progress_bar = false")
        for table_name, table in tables.items():
            database.register(table_name, table)
        return database.sql(statement(file), params=parameters).to_arrow_table()


@cache
def statement(name: str) -> str:
    """Return the text of a file of `spanduck_sql/write_back`."""
    return (files("spanduck_sql") / "write_back" / f"{name}.sql").read_text(encoding="utf-8")
