"""Numbers, booleans, times and documents in stored text, as we read them and as DuckDB does for us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from spanduck_sql.expressions import Compare, Comparison, Literal
from spanduck_sql.language import nodes
from spanduck_sql.language.binding import bind
from spanduck_sql.language.columns import Column, StoredKind
from spanduck_sql.language.documents import texts_in
from spanduck_sql.language.evaluate import evaluate
from spanduck_sql.language.generate import condition
from spanduck_sql.language.paths import json_path, key_paths
from spanduck_sql.language.values import boolean_in, microseconds_in, number_in, timestamp_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COLUMN = exp.Column(this=exp.Identifier(this="x", quoted=True))


@pytest.fixture(scope="module")
def read() -> Iterator[Callable[[str, list[str]], list[Any]]]:
    """Evaluate an expression over texts, one row each."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")

        def rows(sql: str, texts: list[str]) -> list[Any]:
            connection.register("texts", pa.table({"x": pa.array(texts, pa.string())}))
            return [value for (value,) in connection.execute(f"SELECT {sql} FROM texts").fetchall()]

        yield rows


_ANY = st.text(st.characters(codec="utf-8"), max_size=6)
_NUMERIC = st.one_of(
    st.text(st.sampled_from("019.eE+-_ \t\v\x1cinfa\u0660\u00a0"), max_size=7),
    st.floats().map(repr),
    st.from_regex(r"[+-]?[0-9]{1,40}\.?[0-9]{0,40}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
)
_TIMES = st.one_of(
    st.from_regex(
        r"[0-9]{4}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-6][0-9](:[0-6][0-9](\.[0-9]{1,9})?)?(Z|[+-][01][0-9](:?[0-6][0-9])?)?)?",
        fullmatch=True,
    ),
    st.datetimes().map(str),
)


@settings(max_examples=100)
@given(texts=st.lists(st.one_of(_NUMERIC, _ANY), min_size=1, max_size=80))
@example(
    texts=["+-5", "1_000", "1e400", "inf", "nan", "5.", " 5\v", "\x1c5", "1.7976931348623159e308"]
)
def test_a_text_is_a_number_by_one_rule(
    read: Callable[[str, list[str]], list[Any]], texts: list[str]
) -> None:
    sql = nodes.finite_number(_COLUMN.copy).sql("duckdb")
    assert read(sql, texts) == [number_in(text) for text in texts]


@settings(max_examples=30)
@given(texts=st.lists(st.one_of(st.text(st.sampled_from("tTrRuUeEfFaAlLsSK\u017f "), max_size=5), _ANY), min_size=1))  # fmt: skip
@example(texts=["true", "TRUE", "False", "fal\u017fe", "t", "yes", " true", "1"])
def test_a_text_is_a_boolean_by_one_rule(
    read: Callable[[str, list[str]], list[Any]], texts: list[str]
) -> None:
    sql = nodes.boolean_of(_COLUMN.copy()).sql("duckdb")
    assert read(sql, texts) == [boolean_in(text) for text in texts]


@settings(max_examples=100)
@given(texts=st.lists(st.one_of(_TIMES, _ANY), min_size=1, max_size=80))
@example(
    texts=[
        "2024-02-30",
        "2024-05-01T24:00",
        "2024-05-01T10:00:60Z",
        "0000-01-01",
        "2024-05-01T10:00+1600",
    ]
)
@example(
    texts=["2024-05-01T10:00:00.1234569-15:59", "9999-12-31 23:59:59.999999", "0001-01-01T00:00"]
)
def test_a_text_is_a_time_by_one_rule(
    read: Callable[[str, list[str]], list[Any]], texts: list[str]
) -> None:
    column = Column("annotation.a.updated_at", StoredKind.TEXT, "x")
    later = Compare(Comparison.GT, column.name, Literal("2000-01-01", "VARCHAR"))
    bound = bind(later, {column.name: column})
    assert read(condition(bound).sql("duckdb"), texts) == [
        evaluate(bound, {"x": text}) for text in texts
    ]
    for text in texts:
        moment, micros = timestamp_in(text), microseconds_in(text)
        if moment is not None and micros is not None:
            literal = exp.cast(exp.Literal.string(moment.isoformat(sep=" ")), "timestamptz")
            assert read(f"epoch_us({literal.sql('duckdb')})", ["x"]) == [micros]


_SCALARS = st.one_of(
    st.sampled_from(
        ["1", "-0", "1.50", "1e5", "1E+3", "1e-7", "1e-5", "1e400", "1e21", "1e22", "-0.0", "1e-400", "18446744073709551616",
         "NaN", "-Infinity", "nan", "-inf", "00", "1.", ".5", "+1", "true", "null", "True", "", "'a'",
         '"it\'s"', '"\\u00e9\\n"', '"\\ud83d\\ude00"', '"\\ud800"', '"\\u0000"', '"\\/"', '"\x7f\\b"', '"\n"']
    ),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text(st.characters(codec="utf-8", exclude_characters='"\\'), max_size=3).map('"{}"'.format),
)  # fmt: skip
_KEYS = st.sampled_from(["a", "b", "a.b", "0", "*", "x~y", "\u00e9", "", "a/b", "c d", "00", "b.0"])
_ENDS = st.sampled_from(["", "", "", ","])
DOCUMENTS = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.tuples(st.lists(st.tuples(_KEYS, inner), max_size=3), _ENDS).map(
            lambda drawn: "{" + ",".join(f'"{key}": {value}' for key, value in drawn[0]) + drawn[1] + "}"
        ),
        st.tuples(st.lists(inner, max_size=3), _ENDS).map(lambda drawn: f"[{','.join(drawn[0])}{drawn[1]}]"),
    ),
    max_leaves=6,
)  # fmt: skip
PATHS = [("a",), ("a", "b"), ("0",), ("0", "a"), ("a", "0"), ("*",), ("x~y",), ("a", "", "b"), ("a/b",), ("00",), ("a", "b", "0", "a")]  # fmt: skip


@settings(max_examples=60)
@given(texts=st.lists(DOCUMENTS, min_size=1, max_size=60))
@example(
    texts=[
        '{"a": "x", "a": "y"}',
        "[,]",
        "{,}",
        "[1,]",
        "",
        "{bad",
        '{"a": -NaN}',
        '{"a": {"b": [inf]}}',
    ]
)
def test_a_stored_document_is_read_by_one_rule(
    read: Callable[[str, list[str]], list[Any]], texts: list[str]
) -> None:
    for path in PATHS:
        sql = nodes.in_document(_COLUMN.copy(), path).sql("duckdb")
        assert read(sql, texts) == [texts_in(text, key_paths(path)) for text in texts], path


def test_each_way_down_a_path_is_one_of_the_engines() -> None:
    assert key_paths(("a", "b")) == (("a.b",), ("a", "b"))
    assert len(key_paths(tuple("abcde"))) == 16
    assert key_paths(tuple("abcdef")) == (tuple("abcdef"),)
    assert json_path(("tier",)) == '$."tier"'
    assert json_path(("a", "0")) == "/a/0"


def test_ilike_folds_every_character_as_duckdb_does(
    read: Callable[[str, list[str]], list[Any]],
) -> None:
    letters = [chr(code) for code in range(1, 0x20000) if not 0xD800 <= code < 0xE000]
    found = read("lower(x)", letters)
    assert [letter.lower()[0] for letter in letters] == found
