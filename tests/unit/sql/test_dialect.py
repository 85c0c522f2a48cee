from __future__ import annotations

import subprocess
import sys

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from spanduck_sql.dialect import AxFilter
from spanduck_sql.errors import FilterError, FilterErrorCode


def test_it_is_registered_by_its_name() -> None:
    assert Dialect.get_or_raise("ax_filter").__class__ is AxFilter
    assert sqlglot.transpile("span.name = 'x'", read=AxFilter, write="duckdb") == ["\"name\" = 'x'"]


def test_sqlglot_finds_it_when_nothing_of_ours_was_imported() -> None:
    program = "import sqlglot; print(*sqlglot.transpile(\"name = 'x'\", read='ax_filter', write='duckdb'))"
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert told.stdout == "\"name\" = 'x'\n"


def test_columns_know_where_they_stood() -> None:
    tree = sqlglot.parse_one("NOT span.name = 'x' AND latency_ms > 5", read="ax_filter")
    places = [(column.meta["position"], column.meta["end"]) for column in tree.find_all(exp.Column)]
    assert sorted(places) == [(4, 13), (24, 34)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("status_code = 'ERROR' latency_ms", FilterErrorCode.SYNTAX),
        ("name = 'x'; DROP TABLE spans", FilterErrorCode.SYNTAX),
        ("foo = 1", FilterErrorCode.UNKNOWN_FIELD),
        ("", FilterErrorCode.EMPTY),
    ],
)
def test_what_sqlglot_would_take_for_something_else_is_an_error(
    text: str, code: FilterErrorCode
) -> None:
    with pytest.raises(FilterError) as caught:
        sqlglot.parse_one(text, read="ax_filter")
    assert caught.value.code is code


def test_a_tree_is_not_changed_when_it_is_written() -> None:
    tree = sqlglot.parse_one("attributes.x > 5 AND name CONTAINS 'a'", read="ax_filter")
    before = tree.sql("duckdb")
    assert tree.sql("ax_filter") == "attributes.x > 5 AND name CONTAINS 'a'"
    assert tree.sql("duckdb") == before


def test_a_condition_is_written_from_within_a_statement() -> None:
    statement = sqlglot.parse_one(
        "SELECT * FROM t WHERE latency_ms > 5 OR name = 'x'", read="duckdb"
    )
    where = statement.find(exp.Where)
    assert where is not None
    assert where.this.sql("ax_filter") == "latency_ms > 5 OR name = 'x'"
    assert statement.sql("duckdb").endswith("WHERE latency_ms > 5 OR name = 'x'")


def test_numbers_and_times_beyond_the_language_are_refused() -> None:
    for sql in ("latency_ms > 1" + "0" * 400, "start_time > make_timestamptz(9000000000000000000)"):
        with pytest.raises(FilterError):
            sqlglot.transpile(sql, read="duckdb", write="ax_filter")
