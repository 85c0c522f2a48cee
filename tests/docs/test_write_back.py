"""`docs/write-back.md` shows the state's tables and works. `SPANDUCK_UPDATE_DOCS=1 pytest tests/docs` writes them anew."""

from __future__ import annotations

import os
import re
import textwrap
from importlib.resources import files

import duckdb
from tests.docs.pages import DOCS

PAGE = DOCS / "write-back.md"
STATE = files("spanduck_sql").joinpath("state")
TABLES = ("runs", "changelog", "accepted", "pending", "rejected", "watermarks")
BLOCK = re.compile(r"(?<=```text\n)runs {2}.*?(?=```)", re.DOTALL)
WIDTH = 116


def type_name(kind: str) -> str:
    return "TIMESTAMPTZ" if kind == "TIMESTAMP WITH TIME ZONE" else kind.partition("(")[0]


def shown(con: duckdb.DuckDBPyConnection, table: str) -> str:
    columns = con.execute(f"DESCRIBE spanduck_state.{table}").fetchall()
    told = ", ".join(f"{name} {type_name(kind)}" for name, kind, *_ in columns)
    # A column and its type stay on one line.
    lines = textwrap.wrap(
        told.replace(", ", ",\0").replace(" ", "\1").replace("\0", " "),
        WIDTH,
        initial_indent=f"{table}".ljust(12),
        subsequent_indent=" " * 12,
        break_long_words=False,
    )
    return "\n".join(lines).replace("\1", " ")


def test_the_page_shows_the_tables_of_the_state() -> None:
    with duckdb.connect() as con:
        scripts = [item for item in STATE.iterdir() if item.name.startswith("version_")]
        for script in sorted(scripts, key=lambda item: int(item.name[8:-4])):
            con.execute(script.read_text(encoding="utf-8"))
        real = "".join(f"{shown(con, table)}\n" for table in TABLES)
    text = PAGE.read_text(encoding="utf-8")
    if os.environ.get("SPANDUCK_UPDATE_DOCS"):
        text = BLOCK.sub(real, text)
        PAGE.write_text(text, encoding="utf-8")
    assert BLOCK.findall(text) == [real]
