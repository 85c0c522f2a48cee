from __future__ import annotations

import pyarrow as pa
import pytest

from spanduck_sql.errors import FilterError, FilterErrorCode
from spanduck_sql.language.columns import columns_of_schema
from spanduck_sql.schema import CORE_TYPES, JSON_TYPE
from spanduck_sql.translate import dialects, filter_to_sql, sql_to_filter

SCHEMA = pa.schema(
    [*CORE_TYPES.items(), ("attributes.metadata", JSON_TYPE), ("attributes.n", pa.int64())]
)
COLUMNS = columns_of_schema(SCHEMA)


def test_a_filter_is_shown_in_normal_form_with_its_sql_and_columns() -> None:
    meaning = filter_to_sql("span_kind == 'LLM' and 1e3 < latency_ms")
    assert meaning.normal == "attributes.openinference.span.kind = 'LLM' AND latency_ms > 1000"
    assert meaning.sql == ('"attributes.openinference.span.kind" = \'LLM\' AND "latency_ms" > 1000')
    assert meaning.columns == ("attributes.openinference.span.kind", "latency_ms")
    assert (meaning.warnings, meaning.undocumented) == ((), ())


def test_with_a_project_the_columns_are_those_that_are_stored() -> None:
    text = "attributes.metadata.tier = 'gold' AND attributes.metadata['n'] > 2"
    assert filter_to_sql(text).columns == ("attributes.metadata.tier", "attributes.metadata.n")
    assert filter_to_sql(text, COLUMNS).columns == ("attributes.metadata",)


def test_a_field_that_the_project_lacks_is_a_warning_and_strictly_an_error() -> None:
    meaning = filter_to_sql("attributes.absent = 'x'", COLUMNS)
    assert meaning.columns == ("attributes.absent",)
    assert "attributes.absent" in meaning.warnings[0]
    with pytest.raises(FilterError) as caught:
        filter_to_sql("attributes.absent = 'x'", COLUMNS, strict=True)
    assert caught.value.code is FilterErrorCode.UNKNOWN_FIELD


def test_other_dialects_get_words_of_their_own() -> None:
    text = "attributes.input.value CONTAINS 'x' AND attributes.n > 2"
    assert "TRY_CAST" in filter_to_sql(text, COLUMNS, dialect="snowflake").sql
    assert "`attributes.n`" in filter_to_sql(text, dialect="bigquery").sql
    assert {"duckdb", "snowflake", "bigquery", "postgres"} <= set(dialects())


@pytest.mark.parametrize("prefix", ["", "WHERE ", "where\n", "  Where "])
def test_a_condition_may_have_where_before_it(prefix: str) -> None:
    split = sql_to_filter(f"{prefix}status_code = 'ERROR' AND lower(name) = 'x'")
    assert split.filter_text == "status_code = 'ERROR'"
    assert split.residual == "status_code = 'ERROR' AND LOWER(name) = 'x'"
    ((text, reason),) = split.not_pushed
    assert text == "LOWER(name) = 'x'"
    assert "lower(…)" in reason


def test_a_column_that_begins_with_where_is_a_column() -> None:
    with pytest.raises(FilterError, match="'whereabouts'"):
        sql_to_filter("whereabouts = 'x'")


def test_bounds_on_the_start_become_the_window() -> None:
    split = sql_to_filter("start_time >= TIMESTAMPTZ '1970-01-01 00:00:01.5+00'")
    assert (split.window.start, split.window.end) == (1_500_000, None)
    assert (split.filter_text, split.not_pushed) == ("", ())


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("attributes.llm.model_name = 'gpt-4o'", "attributes.llm.model_name = 'gpt-4o'"),
        ('"attributes.a.b.c.d.e" > 1', "attributes.a.b.c.d.e > 1"),
        ("attributes.a.b.c.d.e > 1", "attributes.a.b.c.d.e > 1"),
        ("s.name = 'x'", "name = 'x'"),
        ("NAME = 'x'", "name = 'x'"),
        ("attributes.x IN (1, 2)", "attributes.x IN (1, 2)"),
        ("attributes.x > -1 AND attributes.x < 3", "attributes.x > -1 AND attributes.x < 3"),
        ("attributes.x > 1 AND attributes.x = 'a'", "attributes.x = 'a'"),
        ("attributes.llm.token_count.total >= 10", "attributes.llm.token_count.total >= 10"),
    ],
)
def test_without_a_project_names_and_constants_tell_the_types(condition: str, text: str) -> None:
    assert sql_to_filter(condition).filter_text == text


def test_with_a_project_its_columns_tell_the_types() -> None:
    assert sql_to_filter("attributes.n = '1'", SCHEMA).filter_text == ""
    assert sql_to_filter("attributes.n = 1", SCHEMA).filter_text == "attributes.n = 1"


def test_fewer_conditions_are_pushed_conservatively() -> None:
    text = "status_code <> 'OK' AND latency_ms <> 3"
    assert sql_to_filter(text).filter_text == "status_code != 'OK' AND latency_ms != 3"
    assert sql_to_filter(text, mode="conservative").filter_text == "latency_ms != 3"


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        ("", "empty", None),
        (" \n", "empty", None),
        ("status_code = ", "syntax", "="),
        ("WHERE status_code = 'x' name", "syntax", "name"),
        ("status_code = 'x' AND\n  latency_ms > 1 oops", "syntax", "oops"),
        ("name = 'x", "syntax", None),
        ("name = 'x' ORDER BY 1", "syntax", None),
        ("name = 'x'; DROP TABLE spans", "syntax", None),
        ("SELECT 1", "syntax", "SELECT"),
        ("(" * 5_000 + "name = 'x'" + ")" * 5_000, "syntax", None),
        ("status_cod = 'x'", "unknown_field", "status_cod"),
        ("name = 'x' AND span_kind = 'LLM'", "unknown_field", "span_kind"),
    ],
)
def test_what_is_no_condition_is_an_error_with_its_place(
    text: str, code: str, marked: str | None
) -> None:
    with pytest.raises(FilterError) as caught:
        sql_to_filter(text)
    error = caught.value
    assert error.code == code
    assert marked == (None if error.position is None else text[error.position : error.end])


def test_another_tables_column_is_told_and_not_refused() -> None:
    split = sql_to_filter("s.name = 'x' AND o.code = s.status_code")
    assert split.filter_text == "name = 'x'"
    assert len(split.not_pushed) == 1
