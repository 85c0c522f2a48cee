"""`docs/sql.md` shows what its examples print, and the functions there are.

`SPANDUCK_UPDATE_DOCS=1 pytest tests/docs` writes all of them anew.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import duckdb
import pytest
from tests.docs.pages import DOCS, assert_up_to_date, table

import spanduck
from spanduck import table_function
from spanduck._function.calls import LONG_TABLES
from spanduck._function.database import macro_sql
from spanduck._function.projects import SCHEMA

if TYPE_CHECKING:
    import pyarrow as pa

PAGE = DOCS / "sql.md"
ROWS = {
    "spans": "a span",
    "evaluations": "an evaluation: a span, level and name",
    "annotations": "an annotation: a span and name",
    "projects": "a project",
}


def functions() -> str:
    """The functions and their arguments, as their macros have them."""
    rows = []
    for name, row in ROWS.items():
        arguments = re.search(r"MACRO \w+\(\n(.*?)\n\)", macro_sql(name), re.DOTALL)
        assert arguments is not None
        shown = ", ".join(line.strip(" ,") for line in arguments[1].splitlines())
        rows.append([f"`{name}({shown.replace(' := NULL', '')})`", row])
    return table(["function", "a row is"], *rows)


def columns() -> str:
    schemas = {**{name: item.schema for name, item in LONG_TABLES.items()}, "projects": SCHEMA}
    rows = [[f"`{name}`", shown(schema)] for name, schema in schemas.items()]
    return table(["of", "columns"], *rows)


def shown(schema: pa.Schema) -> str:
    with duckdb.connect() as con:
        con.register("empty", schema.empty_table())
        told = con.execute("DESCRIBE empty").fetchall()
    types = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
    return ", ".join(f"`{name}` {types.get(kind, kind)}" for name, kind, *_ in told)


@pytest.mark.usefixtures("server")
def test_the_page_shows_what_its_examples_print_and_the_tables() -> None:
    assert_up_to_date(PAGE, {"functions": functions, "columns": columns})


def test_the_page_names_every_function() -> None:
    text = PAGE.read_text("utf-8")
    names = {*table_function.__all__, "sql"}
    assert names <= set(spanduck.__all__)
    assert [name for name in names if f"`spanduck.{name}(" not in text] == []
    assert ROWS.keys() | {"write_back"} == set(table_function.FUNCTIONS)
