"""Filters and the SQL of several databases, as pairs of text in the `.sql` files beside this one.

A block is separated by an empty line. Its lines that begin with `#` say its title, the dialect of
its SQL, and for what has no translation the error (`# unsupported:`); then come the text and, but
for those, its translation, each ended by `;` at the end of a line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlglot

import spanduck_sql.dialect  # noqa: F401 - registers it
from spanduck_sql.errors import FilterError

HERE = Path(__file__).parent


class Pair(NamedTuple):
    title: str
    dialect: str
    given: str
    wanted: str
    unsupported: str


def pairs(name: str) -> list[Any]:
    found = []
    for block in (HERE / name).read_text("utf-8").strip().split("\n\n"):
        lines = block.splitlines()
        marks = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
        body = "\n".join(line for line in lines if not line.startswith("# "))
        given, wanted, *_ = [*body.removesuffix(";").split(";\n"), ""]
        pair = Pair(marks["title"], marks["dialect"], given, wanted, marks.get("unsupported", ""))
        found.append(pytest.param(pair, id=f"{pair.dialect}: {pair.title}"))
    return found


@pytest.mark.parametrize("pair", pairs("filter_to_sql.sql"))
def test_a_filter_is_written_for_a_database(pair: Pair) -> None:
    assert sqlglot.transpile(pair.given, read="ax_filter", write=pair.dialect) == [pair.wanted]


@pytest.mark.parametrize("pair", pairs("filter_to_sql.sql"))
def test_a_filter_comes_back_as_it_was(pair: Pair) -> None:
    (normal,) = sqlglot.transpile(pair.given, read="ax_filter", write="ax_filter")
    tree = sqlglot.parse_one(normal, read="ax_filter")
    assert tree.sql(pair.dialect) == pair.wanted


@pytest.mark.parametrize("pair", pairs("sql_to_filter.sql"))
def test_sql_is_written_as_a_filter_or_refused_by_name(pair: Pair) -> None:
    if not pair.unsupported:
        assert sqlglot.transpile(pair.given, read=pair.dialect, write="ax_filter") == [pair.wanted]
        return
    with pytest.raises(FilterError) as caught:
        sqlglot.transpile(pair.given, read=pair.dialect, write="ax_filter")
    assert caught.value.message == pair.unsupported
