"""A filter means the same to our evaluator and to DuckDB, for every row: true, false and unknown."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from spanduck_sql.errors import FilterError
from spanduck_sql.expressions import (
    And,
    Between,
    Compare,
    Comparison,
    Contains,
    In,
    IsNull,
    Like,
    Literal,
    Not,
    Or,
    Predicate,
)
from spanduck_sql.language.binding import bind
from spanduck_sql.language.columns import Column, StoredKind
from spanduck_sql.language.evaluate import evaluate
from spanduck_sql.language.generate import condition

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOMENT = datetime(2024, 5, 1, 10, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
NUMBERS_IN_TEXT = [
    "5", "5.", ".5", "+5", "1E+05", "-.5e3", "007", " 5 ", "\t5\r\n", "\v5\f", "1e400", "-1e400", "1e-400", "inf",
    "-Infinity", "nan", "1_000", "0x1F", "1e", "+-5", "\u00a05", "\u0665", "9007199254740993", "0.1", "-0", "1000.5",
]  # fmt: skip
TEXTS = [
    None, "", "a", "A", "ERROR", "error", "it's", "a%b", "a_b", "a\\b", "\\", "x\ny", "İ", "\u017f", "ß", "K", "Σς", "😀",
    "True", "FALSE", "true ", "t", "1", "0", "NULL", "\x00", "z" * 3_000,
    *NUMBERS_IN_TEXT,
]  # fmt: skip
NUMBERS = [
    None, 0.0, -0.0, 5.0, 1000.5, 0.1, 0.1 + 0.2, 1e16, 1e22, -1e-7, 5e-324, 1.7976931348623157e308, 2.0**53,
    1234567890.1234567, math.inf, -math.inf, math.nan,
]  # fmt: skip
INTEGERS = [None, 0, 5, -5, 1000, 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]
MOMENTS = [None, _MOMENT, _MOMENT + _MICROSECOND, _MOMENT - _MICROSECOND, datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC), datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)]  # fmt: skip
MOMENTS_IN_TEXT = [
    "2024-05-01", "2024-05-01T10:00", "2024-05-01 10:00:00Z", "2024-05-01T12:00:00.000001+02:00", "2024-05-01T04:30-0530",
    "2024-05-01T10:00:00.0000019Z", "2024-05-01 10:00:00+00", "2024-05-01T15:30+0530", "2024-02-29", "0001-01-01",
]  # fmt: skip
NO_MOMENTS = ["2023-02-29", "2024-02-30", "2024-05-01T24:00", "yesterday", "2024-5-1", " 2024-05-01", "2024-05-01T10", "10:00", "now", "epoch", "infinity", "2024-05-01T10:00:60Z", "0000-01-01"]  # fmt: skip
DOCUMENTS = [
    None, "", "{bad", "null", "5", '"text"', "[]", "{}", '{"a": "a"}', '{"a": null, "a.b": 5}', '{"a": {"b": "ERROR"}}',
    '{"a": {"b": 1e2, "b.c": true}}', '{"a.b.c": "deep", "a": {"b": {"c": "deeper"}}}', '{"a": [1.0, {"b": false}]}',
    '["a", {"a": 5}]', '{"0": "key"}', '{"a": NaN}', '{"a": 1e400}', '{"a": " 5 "}', '{"a": {"it\'s": 5, "*": 1, "/": 2}}',
    "[1,]", '{"a": 123456789012345678901234567890}', '{"a": "x", "a": "y"}', '{"a": {"c": [1, {"x": "é\\n"}]}}',
    '{"a": "\\ud800"}', "{'a': 1}", '{"a": 0.00001}', "1 2", '{"a": True}',
]  # fmt: skip
LISTS = [
    None,
    [],
    ["a"],
    [None, "5"],
    ['{"a.b": "hi"}', '{"a": {"b": 5}}'],
    ["{bad", "it's"],
    ["true", "", "x, y"],
]
MAPS = [None, {}, {"a": "a"}, {"a.b": "5"}, {"a": '{"b": "x"}'}, {"a": "{bad", "a.b": None}, {"it's": "true"}, {"a": None}]  # fmt: skip
DATES = [None, date(2024, 5, 1), date(1, 1, 1)]

_ARROW = {
    "UBIGINT": pa.uint64(),
    "TIMESTAMPTZ": pa.timestamp("us", "UTC"),
    "DECIMAL(18, 3)": pa.float64(),
}
_K = StoredKind
COLUMNS: dict[str, tuple[StoredKind, str, list[Any]]] = {
    "status_code": (_K.TEXT, "VARCHAR", TEXTS),
    "status_message": (_K.INTEGER, "BIGINT", INTEGERS),
    "latency_ms": (_K.DOUBLE, "DOUBLE", [number for number in NUMBERS if number is None or not math.isnan(number)]),
    "start_time": (_K.TIMESTAMP, "TIMESTAMPTZ", MOMENTS),
    "end_time": (_K.INTEGER, "BIGINT", [*INTEGERS, 1_714_557_600_000_000_000, 1_714_557_600_000_000_999, -1, -1_001]),
    "span_kind": (_K.TEXT, "VARCHAR", ["ERROR", None]),
    "attributes.openinference.span.kind": (_K.TEXT, "VARCHAR", [None, "LLM", "llm"]),
    "attributes.exception.escaped": (_K.TEXT, "VARCHAR", TEXTS),
    "attributes.llm.token_count.total": (_K.INTEGER, "UBIGINT", [None, 0, 5, 2**64 - 1]),
    "eval.A.score": (_K.TEXT, "VARCHAR", TEXTS),
    "eval.a.score": (_K.DOUBLE, "DOUBLE", NUMBERS),
    "annotation.A.updated_at": (_K.TEXT, "VARCHAR", [*MOMENTS_IN_TEXT, *NO_MOMENTS, None, ""]),
    "annotation.B.updated_at": (_K.DOUBLE, "DOUBLE", NUMBERS),
    "attributes.text": (_K.TEXT, "VARCHAR", TEXTS),
    "attributes.Text": (_K.TEXT, "VARCHAR", TEXTS[::-1]),
    "attributes.integer": (_K.INTEGER, "BIGINT", INTEGERS),
    "attributes.double": (_K.DOUBLE, "DOUBLE", NUMBERS),
    "attributes.decimal": (_K.DOUBLE, "DECIMAL(18, 3)", [None, 5, -1000.5, 0.125]),
    "attributes.flag": (_K.BOOLEAN, "BOOLEAN", [None, True, False]),
    "attributes.when": (_K.TIMESTAMP, "TIMESTAMPTZ", MOMENTS),
    "attributes.day": (_K.OTHER, "DATE", DATES),
    "attributes.metadata": (_K.TEXT, "VARCHAR", DOCUMENTS),
    "attributes.json": (_K.JSON, "JSON", DOCUMENTS),
    "attributes.list": (_K.LIST, "VARCHAR[]", LISTS),
    "attributes.documents": (_K.LIST, "JSON[]", [None, [], ['{"a.b": "hi"}', None], ['{"a": {"b": 5}}']]),
    "attributes.map": (_K.MAP, "MAP(VARCHAR, VARCHAR)", MAPS),
}  # fmt: skip
PATHS = ["a", "0", "1", "a.b", "a.b.c", "a.0", "a.1.b", "0.a", "0.a.b", "1.a.b", "a.it's", "a.*", "a./", "a.c.1.x", "a.b.c.d.e.f", "00", "9" * 20, ""]  # fmt: skip
NAMES = [
    *COLUMNS,
    *(f"{name}.{path}" for name in ("attributes.metadata", "attributes.json", "attributes.list", "attributes.documents", "attributes.map") for path in PATHS if path),
    "attributes.nothing", "eval.none.score", "annotation.none.updated_at",
]  # fmt: skip
ROWS = 149


@pytest.fixture(scope="module")
def spans() -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, Column], list[dict[str, Any]]]]:
    """Spans with every value of every column, as a table and as rows."""
    columns, arrays = {}, {}
    taken: set[str] = set()
    for index, (name, (kind, _, values)) in enumerate(COLUMNS.items()):
        sql_name = name if name.lower() not in taken else f"{name}~2"
        taken.add(name.lower())
        columns[name] = Column(name, kind, sql_name)
        # Steps that do not divide a length: every value comes, beside ever other neighbours.
        picked = [
            values[(row * (index % 5 + 1) + row // len(values)) % len(values)]
            for row in range(ROWS)
        ]
        picked[: len(values)] = values
        arrays[sql_name] = picked
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        selected = []
        tables = {}
        for (_, sql_type, _), (name, values) in zip(COLUMNS.values(), arrays.items(), strict=True):
            quoted = '"' + name.replace('"', '""') + '"'
            if sql_type == "JSON":  # Arrow brings JSON unchecked, a cast would not
                storage = pa.array(values, pa.string())
                tables[name] = pa.ExtensionArray.from_storage(pa.json_(pa.string()), storage)
                selected.append(quoted)
            elif sql_type.startswith("MAP"):
                pairs = [None if value is None else list(value.items()) for value in values]
                tables[name] = pa.array(pairs, pa.map_(pa.string(), pa.string()))
                selected.append(quoted)
            else:
                tables[name] = pa.array(values, _ARROW.get(sql_type))
                selected.append(f"CAST({quoted} AS {sql_type}) AS {quoted}")
        connection.register("given", pa.table(tables))
        connection.execute(f"CREATE TABLE spans AS SELECT {', '.join(selected)} FROM given")
        result = connection.execute("SELECT * FROM spans ORDER BY rowid")
        names = [column[0] for column in result.description]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        assert len(rows) == ROWS
        yield connection, columns, rows


SOME_TEXTS = st.one_of(
    st.sampled_from([text for text in TEXTS if text is not None]),
    st.sampled_from([*MOMENTS_IN_TEXT, *NO_MOMENTS, "hi", "deep", "true", "false", "100.0", '{"b":5}', "[", "2024-05-01 10:00:00+00"]),
    st.text(st.sampled_from("aAbE%_\\'. 5"), max_size=3),
)  # fmt: skip
SOME_NUMBERS = st.one_of(
    st.sampled_from([number for number in NUMBERS if number is not None and math.isfinite(number)]),
    st.integers(-(2**60), 2**60).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
)
_texts = SOME_TEXTS.map(lambda value: Literal(value, "VARCHAR"))
_moments = st.sampled_from([*MOMENTS_IN_TEXT, "2024-05-01T09:59:59.999999Z"]).map(lambda value: Literal(value, "VARCHAR"))  # fmt: skip
_numbers = SOME_NUMBERS.map(lambda value: Literal(value, "DOUBLE"))
_booleans = st.booleans().map(lambda value: Literal(value, "BOOLEAN"))
_names = st.sampled_from(NAMES)
_comparisons = st.sampled_from(Comparison)


@st.composite
def _likes(draw: st.DrawFn) -> Like:
    pattern = draw(st.one_of(SOME_TEXTS, st.text(st.sampled_from("aAeE%_#é\\ir"), max_size=5)))
    escape = draw(st.sampled_from([None, "#", "\\", "é", "a", "A", "%", "_", "😀"]))
    if escape is not None:
        pattern = draw(
            st.sampled_from([pattern, pattern + escape, escape + pattern, f"%{escape}%{pattern}"])
        )
        # A pattern that ends in an escape character is none, see 12.8 of the reference.
        assume(_is_closed(pattern, escape))
    return Like(draw(_names), pattern, escape, draw(st.booleans()))


def _is_closed(pattern: str, escape: str) -> bool:
    characters = iter(pattern)
    return all(char != escape or next(characters, None) is not None for char in characters)


LEAVES: st.SearchStrategy[Predicate] = st.one_of(
    st.builds(Compare, _comparisons, _names, st.one_of(_texts, _numbers, _booleans, _moments)),
    st.builds(In, _names, st.one_of([st.lists(kind, min_size=1, max_size=4).map(tuple) for kind in (_texts, _numbers, _booleans, _moments)])),
    st.one_of([st.builds(Between, _names, kind, kind) for kind in (_texts, _numbers, _moments)]),
    _likes(),
    st.builds(Contains, _names, SOME_TEXTS),
    st.builds(IsNull, _names),
)  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda operands: And(*operands)),
        st.lists(inner, min_size=2, max_size=3).map(lambda operands: Or(*operands)),
    ),
    max_leaves=5,
)


def _check(spans: Any, trees: list[Predicate]) -> None:
    connection, columns, rows = spans
    bounds = [bind(tree, columns) for tree in trees]
    conditions = [condition(bound).sql("duckdb") for bound in bounds]
    found = connection.execute(
        f"SELECT {', '.join(conditions)} FROM spans ORDER BY rowid"
    ).fetchall()
    for bound, sql, values in zip(bounds, conditions, zip(*found, strict=True), strict=True):
        assert list(values) == [evaluate(bound, row) for row in rows], sql


@pytest.mark.parametrize("name", NAMES)
def test_every_field_takes_every_operator_as_documented(spans: Any, name: str) -> None:
    texts = [
        Literal(value, "VARCHAR")
        for value in ("5", "ERROR", "a", "", "2024-05-01T10:00Z", "1000.5")
    ]
    numbers = [Literal(value, "DOUBLE") for value in (0.0, 5.0, 1000.5, 2.0**53, -1e300, 100.0)]
    booleans = [Literal(value, "BOOLEAN") for value in (True, False)]
    leaves: list[Predicate] = [
        IsNull(name),
        Contains(name, "E"),
        Contains(name, ""),
        Like(name, "_%5%"),
        Like(name, "%e%", ignores_case=True),
    ]
    leaves += [
        Compare(op, name, literal) for op in Comparison for literal in (*texts, *numbers, *booleans)
    ]
    leaves += [In(name, tuple(group)) for group in (texts, numbers, booleans)]
    leaves += [
        Between(name, low, high)
        for low, high in zip((*texts, *numbers), (*texts[1:], *numbers), strict=False)
        if low.type == high.type
    ]
    legal = [leaf for leaf in leaves if _is_legal(leaf, spans[1])]
    assert len(legal) > 3
    _check(spans, [Not(leaf) for leaf in legal])


def _is_legal(tree: Predicate, columns: dict[str, Column]) -> bool:
    try:
        bind(tree, columns)
    except FilterError:
        return False
    return True


@settings(
    max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(tree=TREES)
@example(tree=In("attributes.integer", (Literal("5", "VARCHAR"), Literal("a", "VARCHAR"))))
@example(tree=Between("attributes.double", Literal("1e400", "VARCHAR"), Literal("5", "VARCHAR")))
@example(tree=Like("status_code", "%E%", "E", ignores_case=True))
def test_the_evaluator_and_duckdb_agree_row_by_row(spans: Any, tree: Predicate) -> None:
    assume(_is_legal(tree, spans[1]))
    _check(spans, [tree])
    # As a condition the optimiser takes other ways.
    connection, columns, rows = spans
    bound = bind(tree, columns)
    sql = condition(bound).sql("duckdb")
    (count,) = connection.execute(f"SELECT count(*) FROM spans WHERE {sql}").fetchone()
    assert count == sum(evaluate(bound, row) is True for row in rows), sql
