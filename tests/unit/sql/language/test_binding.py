from __future__ import annotations

import pytest

from spanduck_sql.errors import FilterError, FilterErrorCode
from spanduck_sql.expressions import AlwaysTrue, Compare, Comparison, Literal, Opaque
from spanduck_sql.language.binding import BoundField, Reading, bind, known_names, reading
from spanduck_sql.language.columns import Column, StoredKind
from spanduck_sql.language.fields import FieldType
from spanduck_sql.language.parser import parse

COLUMNS = {
    name: Column(name, kind)
    for name, kind in {
        "status_code": StoredKind.TEXT,
        "latency_ms": StoredKind.DOUBLE,
        "start_time": StoredKind.TIMESTAMP,
        "attributes.metadata": StoredKind.TEXT,
        "attributes.metadata.tier": StoredKind.TEXT,
        "attributes.llm.input_messages": StoredKind.LIST,
        "attributes.tags": StoredKind.MAP,
        "attributes.state": StoredKind.JSON,
        "attributes.state.inner": StoredKind.JSON,
        "attributes.note": StoredKind.TEXT,
        "attributes.count": StoredKind.INTEGER,
        "eval.Correctness.label": StoredKind.TEXT,
        "attributes.user_tier": StoredKind.TEXT,
    }.items()
}


def field_of(name: str, columns: dict[str, Column] | None = COLUMNS) -> BoundField:
    (field,) = bind(parse(f"{name} IS NULL"), columns).fields.values()
    return field


def error_of(text: str, *, strict: bool = False) -> FilterError:
    with pytest.raises(FilterError) as caught:
        bind(parse(text), COLUMNS, text=text, strict=strict)
    return caught.value


@pytest.mark.parametrize(
    ("name", "column", "path"),
    [
        ("span.status_code", "status_code", ()),
        ("attributes.metadata.tier", "attributes.metadata.tier", ()),
        ("attributes.metadata.team.name", "attributes.metadata", ("team", "name")),
        ("attributes.llm.input_messages[0].role", "attributes.llm.input_messages", ("0", "role")),
        ("attributes.tags.a.b", "attributes.tags", ("a", "b")),
        ("attributes.state.inner.x", "attributes.state.inner", ("x",)),
        ("attributes.state.other.x", "attributes.state", ("other", "x")),
    ],
)
def test_a_field_is_the_column_of_its_name_or_inside_the_longest_document(
    name: str, column: str, path: tuple[str, ...]
) -> None:
    field = field_of(name)
    assert field.column == COLUMNS[column]
    assert field.path == path


@pytest.mark.parametrize("name", ["attributes.note.x", "attributes.count.x", "attributes.nothing"])
def test_plain_text_and_numbers_have_nothing_inside(name: str) -> None:
    assert field_of(name).column is None


def test_of_two_span_kinds_the_long_name_is_read() -> None:
    long, short = "attributes.openinference.span.kind", "span_kind"
    both = {name: Column(name, StoredKind.TEXT) for name in (short, long)}
    assert field_of("span_kind", both).column == both[long]
    assert field_of(long, {short: both[short]}).column == both[short]


def test_names_that_differ_by_case_are_two_fields() -> None:
    names = {"eval.A.label": "eval.A.label", "eval.a.label": "eval.a.label~2"}
    columns = {name: Column(name, StoredKind.TEXT, sql) for name, sql in names.items()}
    for name, sql in names.items():
        column = field_of(name, columns).column
        assert column is not None
        assert column.sql_name == sql


def test_an_open_schema_has_every_field_that_can_be() -> None:
    kinds = {
        "name": StoredKind.TEXT,
        "latency_ms": StoredKind.DOUBLE,
        "attributes.llm.token_count.total": StoredKind.INTEGER,
        "attributes.exception.escaped": StoredKind.BOOLEAN,
        "end_time": StoredKind.TIMESTAMP,
        "attributes.metadata.x": StoredKind.OTHER,
    }
    for name, kind in kinds.items():
        assert field_of(name, None).column == Column(name, kind)


def test_what_is_not_stored_is_a_warning_or_in_strict_mode_an_error() -> None:
    text = "attributes.counts = 'gold'"
    (warning,) = bind(parse(text), COLUMNS, text=text).warnings
    assert warning.message == (
        "no span has 'attributes.counts': only IS NULL matches it; did you mean attributes.count?"
    )
    assert warning.span == (0, 17)
    error = error_of(text, strict=True)
    assert (error.code, error.position, error.end) == (FilterErrorCode.UNKNOWN_FIELD, 0, 17)
    assert error.hint == "did you mean attributes.count?"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("statuscode = 'ERROR'", "unknown field 'statuscode'", "did you mean status_code?"),
        ("latency > 5", "unknown field 'latency'", "did you mean latency_ms?"),
        ("foo = 'x'", "unknown field 'foo'", "a custom attribute is written attributes.foo"),
        ("llm.model_name = 'x'", "unknown field 'llm.model_name'", "did you mean attributes.llm.model_name?"),
        ("user_tier = 'x'", "unknown field 'user_tier'", "did you mean attributes.user_tier?"),
        ("STATUS_CODE = 'x'", "unknown field 'STATUS_CODE'", "field names are case-sensitive: status_code"),
        (
            "eval.Correctness.lable = 'x'",
            "unknown field 'eval.Correctness.lable'",
            "an evaluation has .label, .score and .explanation; did you mean eval.Correctness.label?",
        ),
        (
            "eval.Correctness = 'x'",
            "unknown field 'eval.Correctness'",
            "an evaluation has .label, .score and .explanation; did you mean eval.Correctness.label?",
        ),
        (
            "annotation.Quality.explanation = 'x'",
            "unknown field 'annotation.Quality.explanation'",
            "an annotation has .label, .score, .text, .updated_by and .updated_at",
        ),
        ("context.foo = 'x'", "unknown field 'context.foo'", "under context. there are trace_id and span_id"),
        ("event.name = 'x'", "unknown field 'event.name'", "under event. there is attributes alone"),
        ("span.attributes.x = 'x'", "unknown field 'span.attributes.x'", "did you mean attributes.x?"),
        ("latency_ms > '1000'", "latency_ms is a number, found a string", "remove the quotes"),
        ("latency_ms > 'fast'", "latency_ms is a number, found a string", "compare it with a number, without quotes"),
        ("status_code = 200", "status_code is a string, found a number", "quote it: '200'"),
        ("span_kind = true", "span_kind is a string, found a boolean", "quote it: 'true'"),
        ("start_time > 5", "start_time is a timestamp, found a number", "write '2024-05-01' or '2024-05-01T10:00:00Z'"),
        (
            "start_time > '2024-02-30'",
            "'2024-02-30' is no date or time in ISO 8601",
            "write '2024-05-01' or '2024-05-01T10:00:00Z'",
        ),
        ("latency_ms CONTAINS '1'", "CONTAINS needs a string, latency_ms is a number", "compare it with = < > or BETWEEN"),
        (
            "attributes.exception.escaped LIKE 't%'",
            "LIKE needs a string, attributes.exception.escaped is a boolean",
            "compare it with = true or = false",
        ),
        (
            "attributes.exception.escaped = 'true'",
            "attributes.exception.escaped is a boolean, found a string",
            "compare it with true or false, without quotes",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_what_to_write_instead(text: str, message: str, hint: str) -> None:
    error = error_of(text)
    assert (error.message, error.hint) == (message, hint)


def test_the_caret_stands_under_the_name_or_the_value() -> None:
    assert str(error_of("name = 'a' AND\n  latency_ms > '1000'")).splitlines() == [
        "[type_mismatch] latency_ms is a number, found a string (col 16)",
        "    latency_ms > '1000'",
        "                 ^^^^^^",
        "  hint: remove the quotes",
    ]
    assert str(error_of("statuscode = 'ERROR'")).splitlines() == [
        "[unknown_field] unknown field 'statuscode' (col 1)",
        "  statuscode = 'ERROR'",
        "  ^^^^^^^^^^",
        "  hint: did you mean status_code?",
    ]


def test_the_first_mistake_of_the_text_is_told() -> None:
    assert error_of("NOT (name = 'a' OR foo = 1) AND bar = 2").message == "unknown field 'foo'"


def test_a_value_in_lower_case_that_is_always_upper_case_is_a_warning() -> None:
    text = "status_code != 'Error' AND span_kind IN ('llm', 'TOOL')"
    columns = {**COLUMNS, "span_kind": Column("span_kind", StoredKind.TEXT)}
    assert list(map(str, bind(parse(text), columns, text=text).warnings)) == [
        "status_code is never 'Error': its values are upper case, 'ERROR'",
        "span_kind is never 'llm': its values are upper case, 'LLM'",
    ]


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        (StoredKind.TEXT, "1", Reading.TEXT),
        (StoredKind.INTEGER, " 1 ", Reading.NUMBER),
        (StoredKind.DOUBLE, "1_000", Reading.TEXT),
        (StoredKind.DOUBLE, "1e400", Reading.TEXT),
        (StoredKind.DOUBLE, "nan", Reading.TEXT),
        (StoredKind.OTHER, "1", Reading.TEXT),
    ],
)
def test_a_number_in_quotes_is_one_for_numeric_columns_alone(
    kind: StoredKind, value: str, wanted: Reading
) -> None:
    field = BoundField("attributes.x", FieldType.ANY, Column("attributes.x", kind))
    assert reading(field, Literal(value, "VARCHAR")) is wanted


def test_no_filter_at_all_is_bound_and_sql_is_not() -> None:
    assert bind(AlwaysTrue(), COLUMNS).fields == {}
    with pytest.raises(TypeError, match="Opaque"):
        bind(Opaque("random() > 0.5", "a function"), COLUMNS)
    with pytest.raises(TypeError, match="BIGINT"):
        bind(Compare(Comparison.EQ, "attributes.count", Literal(1, "BIGINT")), COLUMNS)


def test_stored_names_are_suggested_beside_the_fixed_ones() -> None:
    names = known_names(COLUMNS)
    assert {"status_code", "attributes.user_tier", "attributes.llm.model_name"} <= set(names)
    assert len(names) == len(set(names))


def test_a_long_name_or_value_is_not_repeated_at_length() -> None:
    for text in (
        f"{'n' * 5_000} = 1",
        f"eval.{'n' * 5_000}.lable = 'x'",
        f"attributes.{'n' * 5_000} = 'x'",
        f"start_time > '{'n' * 5_000}'",
        f"status_code = 0.{'1' * 5_000}",
    ):
        error = error_of(text, strict=True)
        assert len(error.message) + len(error.hint) < 500
