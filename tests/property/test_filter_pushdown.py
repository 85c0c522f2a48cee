"""A filter that is made of a SQL predicate loses no row, whatever the service does with it."""

from __future__ import annotations

import math
import random
import re
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlglot import parse_one

from spanduck._scan.decode import Decoder
from spanduck._scan.schema_cache import declared_schema
from spanduck_sql.expressions import And, Compare, Contains, In, IsNull, Like, Not, Or, Predicate
from spanduck_sql.language.binding import bind
from spanduck_sql.language.columns import Column, columns_of_schema, stored_kind
from spanduck_sql.language.generate import condition
from spanduck_sql.language.parser import parse
from spanduck_sql.language.printer import to_text
from spanduck_sql.pushdown import (
    GENERATED_MARK,
    NAN_FIELD_KEY,
    NAN_STORED,
    inclusive,
    split_generated,
    with_generated,
)
from spanduck_sql.visitors import fold
from spanduck_sql.where import predicate_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlglot import exp

ROWS: Final = 30
FIRST_NS: Final = 1_700_000_000_000_000_000
HARD: Final = ["it's", "x\\y", "two\nlines", "b%c", "b_c", GENERATED_MARK, "') AND ('", "ü", "*/"]
TEXTS: Final = ["a", "A", "", "ERROR", "bxc", "a\u200bb", *HARD]
NUMBERS: Final = [0, 1, -1, 2**53 + 1, 2**53, -(2**62), 5]
DOUBLES: Final = [1.5, 0.0, -0.0, math.inf, -math.inf, 0.1, 1e308, 5.0]


def cycled(values: Sequence[Any], kind: pa.DataType | None = None, *, offset: int = 0) -> pa.Array:
    return pa.array([values[(index + offset) % len(values)] for index in range(ROWS)], kind)


MARKED: Final = {NAN_FIELD_KEY: NAN_STORED}
TEXT_COLUMNS: Final = [
    "name",
    "attributes.a b",
    "attributes.Env",
    "attributes.env",
    'attributes.q"uote',
    "attributes.back\\slash",
    "attributes.in",
    "eval.Grün.label",
    "no.such.field",
]
DOUBLE_COLUMNS: Final = ["latency_ms", "attributes.e", "attributes.d", "eval.Q.score"]
INTEGER_COLUMNS: Final = ["attributes.n", "attributes.llm.token_count.total"]


def wire_table() -> pa.Table:
    """Wire columns of every kind; those that may hold NaN are marked."""
    fields: list[tuple[pa.Field, pa.Array]] = [
        (
            pa.field(name, pa.string()),
            cycled([*TEXTS, None], pa.string(), offset=place * 3),
        )
        for place, name in enumerate(TEXT_COLUMNS)
    ]
    doubles = [*DOUBLES, None]
    text_of_doubles = [None if value is None else repr(value) for value in doubles]
    starts = [FIRST_NS + index * 1_000_000_007 for index in range(ROWS)]
    fields += [
        (pa.field("start_time", pa.int64()), pa.array(starts)),
        (pa.field("end_time", pa.int64()), cycled([*starts[:4], None], pa.int64())),
        (pa.field("latency_ms", pa.float64()), cycled(doubles)),
        (pa.field("attributes.e", pa.float64()), cycled(doubles, offset=2)),
        (pa.field("attributes.d", pa.float64(), metadata=MARKED), cycled([math.nan, *doubles])),
        (pa.field("eval.Q.score", pa.string()), cycled(text_of_doubles, offset=1)),
        (pa.field("attributes.n", pa.int64()), cycled([*NUMBERS, None], pa.int64())),
        (
            pa.field("attributes.llm.token_count.total", pa.float64(), metadata=MARKED),
            cycled([1.0, math.nan, None, 5.0, 0.0]),
        ),
        (pa.field("attributes.flag", pa.bool_()), cycled([True, False, None], offset=1)),
        (pa.field("attributes.metadata", pa.string()), cycled(['{"a": 1}', "", None, "no json"])),
    ]
    return pa.table(
        [values for _, values in fields], schema=pa.schema([item for item, _ in fields])
    )


WIRE: Final = wire_table()
DECLARED: Final = declared_schema(WIRE.schema)
UNMARKED: Final = declared_schema(
    pa.schema([pa.field(item.name, item.type) for item in WIRE.schema])
)
TYPES: Final = {item.name: item.type for item in DECLARED}
STORED: Final = {
    item.name: Column(item.name, stored_kind(item.type), f"w:{index}")
    for index, item in enumerate(WIRE.schema)
}
"""What the service reads: the wire's own columns."""
SERVED: Final = [
    {f"w:{index}": value for index, value in enumerate(row.values())} for row in WIRE.to_pylist()
]
SQL_NAME: Final = {wire: item.sql_name for wire, item in columns_of_schema(DECLARED).items()}


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A table of the SQL columns, as a scan would deliver them, and of the wire's."""
    batch = WIRE.combine_chunks().to_batches()[0]
    fields = [item for item in DECLARED if item.name in set(SQL_NAME.values())]
    decoder = Decoder(batch.schema, fields)
    arrays = [decoder.column(batch, item) for item in fields]
    names = [item.name for item in fields]
    wire_names = [f"w:{index}" for index in range(batch.num_columns)]
    both = pa.table(
        [pa.array(range(ROWS)), *arrays, *batch.columns], names=["row", *names, *wire_names]
    )
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'America/New_York'")
        con.register("arrived", both)
        con.execute("CREATE TABLE spans AS FROM arrived")
        yield con


def quoted(name: str) -> str:
    escaped = SQL_NAME.get(name, name).replace('"', '""')
    return f'"{escaped}"'


def text_literal(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


TEXT: Final = st.one_of(st.sampled_from(TEXTS), st.text("ab%_'\\ü\n!", max_size=4))
NUMBER: Final = st.one_of(
    st.sampled_from([*map(str, NUMBERS), "1.5", "0.1", "1e308", "-0.0", "1.00000000000000000001"]),
    st.sampled_from(["9007199254740993.5", "-1.5e0", "12345678901234567890", "NULL", "(2)"]),
    st.integers(-6, 6).map(str),
)


@st.composite
def text_leaves(draw: st.DrawFn) -> str:
    column = quoted(draw(st.sampled_from(TEXT_COLUMNS)))
    value = text_literal(draw(TEXT))
    others = [text_literal(item) for item in draw(st.lists(TEXT, min_size=1, max_size=4))]
    escape = draw(st.sampled_from(["!", "\\", "%", "a"]))
    return draw(
        st.sampled_from(
            [
                f"{column} = {value}",
                f"{value} = {column}",
                f"{column} <> {value}",
                f"{column} < {value}",
                f"{column} IN ({', '.join(others)})",
                f"{column} NOT IN ({', '.join(others)})",
                f"{column} BETWEEN {value} AND {others[0]}",
                f"{column} LIKE {value}",
                f"{column} NOT LIKE {value}",
                f"{column} LIKE '%' || {value}",
                f"{column} ILIKE {value}",
                f"{column} LIKE {text_literal('%' + others[0][1:-1].replace(escape, '') + '%')}",
                f"{column} LIKE '%{escape}{escape}b%' ESCAPE '{escape}'",
                f"{column} NOT LIKE 'b{escape}%%' ESCAPE '{escape}'",
                f"contains({column}, {value})",
                f"starts_with({column}, {value})",
                f"{column} ^@ {value}",
                f"suffix({column}, {value})",
                f"strpos({column}, {value}) > 0",
                f"strpos({column}, {value}) = 0",
                f"lower({column}) = {value}",
                f"{column} IS DISTINCT FROM {value}",
                f"{column} = {value} COLLATE NOCASE",
                f"{column}::VARCHAR = {value}",
                f"coalesce({column}, 'a') = {value}",
                f"{column} = NULL",
                f"{column} IS NULL",
                f"{column} IS NOT NULL",
            ]
        )
    )


@st.composite
def number_leaves(draw: st.DrawFn) -> str:
    column = quoted(draw(st.sampled_from([*DOUBLE_COLUMNS, *INTEGER_COLUMNS])))
    value, other = draw(NUMBER), draw(NUMBER)
    op = draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]))
    return draw(
        st.sampled_from(
            [
                f"{column} {op} {value}",
                f"{value} {op} {column}",
                f"{column} {op} {value}",
                f"{column} IN ({value}, {other})",
                f"{column} NOT IN ({value}, {other})",
                f"{column} BETWEEN {value} AND {other}",
                f"{column} NOT BETWEEN {value} AND {other}",
                f"CAST({column} AS DOUBLE) {op} {value}",
                f"{column} {op} 'nan'::DOUBLE",
                f"{column} + 1 > {value}",
                f"{column} IS NULL",
                f"{column} IS NOT NULL",
            ]
        )
    )


OTHER_LEAVES: Final = st.sampled_from(
    [
        '"attributes.flag"',
        '"attributes.flag" = FALSE',
        '"attributes.flag" IS NULL',
        '"attributes.metadata" IS NOT NULL',
        '"attributes.metadata" IS NULL',
        "start_time >= TIMESTAMPTZ '2023-11-14T22:13:25Z'",
        "start_time < '2023-11-14 22:13:30+00'",
        "start_time IN (TIMESTAMPTZ '2023-11-14T22:13:20Z')",
        "end_time IS NOT NULL",
        "end_time IS NULL",
        "end_time > TIMESTAMP '2023-11-14 17:13:21'",
        '"event.attributes" IS NULL',
        "TRUE",
        "FALSE",
    ]
)


def predicates() -> st.SearchStrategy[str]:
    return st.recursive(
        st.one_of(text_leaves(), number_leaves(), OTHER_LEAVES),
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda pair: f"({pair[0]} AND {pair[1]})"),
            st.tuples(inner, inner).map(lambda pair: f"({pair[0]} OR {pair[1]})"),
            inner.map(lambda operand: f"(NOT {operand})"),
        ),
        max_leaves=8,
    )


def parsed(text: str) -> exp.Expr:
    statement = parse_one(f"SELECT 1 WHERE {text}", dialect="duckdb")
    where: exp.Expr = statement.args["where"].this
    return where


def tree_of(text: str) -> Predicate:
    return predicate_of(
        parsed(text), lambda column: column.name if column.name in TYPES else None, types=TYPES
    )


def is_runnable(con: duckdb.DuckDBPyConnection, text: str) -> bool:
    try:
        con.execute(f"SELECT {text} FROM spans")
    except duckdb.Error:  # a pattern that ends in its escape, NULL where a type is wanted
        return False
    return True


LAWS: Final = settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@LAWS
@given(predicate=predicates(), mode=st.sampled_from(["standard", "conservative"]))
@example(predicate='"attributes.d" > 1.5', mode="standard")
@example(predicate='NOT ("attributes.d" < 1.5)', mode="standard")
@example(predicate='"attributes.d" IS NOT NULL', mode="standard")
@example(predicate='"attributes.llm.token_count.total" IS NULL', mode="standard")
@example(predicate='"attributes.n" < 1.00000000000000000001', mode="standard")
@example(predicate='"attributes.n" < 9007199254740993', mode="standard")
@example(predicate='"eval.Q.score" > 1.5', mode="standard")
@example(predicate="\"name\" = 'it''s' OR \"name\" LIKE '%b!%c' ESCAPE '!'", mode="standard")
def test_the_filter_and_the_predicate_are_the_predicate(
    con: duckdb.DuckDBPyConnection, predicate: str, mode: Any
) -> None:
    if not is_runnable(con, predicate):
        return
    tree, _ = inclusive(tree_of(predicate), DECLARED, mode)
    if tree is None:
        return
    sent = condition(bind(tree, STORED)).sql("duckdb")
    differing = con.execute(
        f"SELECT row FROM spans WHERE (({sent}) AND ({predicate})) IS DISTINCT FROM ({predicate})"
    ).fetchall()
    assert differing == [], sent


def _hostile(value: object) -> object:
    if isinstance(value, str):
        return value.lower() or None
    return None if isinstance(value, float) and math.isnan(value) else value


@LAWS
@given(
    predicate=predicates(),
    mode=st.sampled_from(["standard", "conservative"]),
    seed=st.integers(0, 2**16),
)
@example(predicate="\"name\" <> 'a'", mode="conservative", seed=0)
@example(predicate='"name" IS NOT NULL', mode="conservative", seed=0)
@example(predicate="\"name\" = ''", mode="conservative", seed=0)
@example(predicate='"attributes.d" <> 5', mode="conservative", seed=0)
def test_no_row_is_lost_at_a_service_of_other_habits(
    con: duckdb.DuckDBPyConnection, habits: Any, predicate: str, mode: Any, seed: int
) -> None:
    if not is_runnable(con, predicate):
        return
    is_conservative = mode == "conservative"
    schema = UNMARKED if is_conservative else DECLARED
    tree, _ = inclusive(tree_of(predicate), schema, mode)
    if tree is None:
        return
    bound = bind(fold(tree, habits.Lowered()) if is_conservative else tree, STORED)
    chance = random.Random(seed)
    wanted = con.execute(f"SELECT row FROM spans WHERE {predicate}").fetchall()
    for (place,) in wanted:
        row: dict[str, object] = dict(SERVED[place])
        if is_conservative:
            row = {name: _hostile(value) for name, value in row.items()}
        assert fold(bound.predicate, habits.Whims(bound, row, chance)) is True, (to_text(tree), row)


def is_documented(tree: Predicate) -> bool:
    match tree:
        case And() | Or():
            return all(map(is_documented, tree.operands))
        case Not(IsNull()) | IsNull():
            return True
        case Like():
            return tree.escape is None and not tree.ignores_case
        case Compare() | In():
            literals = tree.literals if isinstance(tree, In) else (tree.literal,)
            return all(literal.type in ("VARCHAR", "DOUBLE") for literal in literals)
    return isinstance(tree, Contains)


OPERATORS: Final = re.compile(
    r"(?:AND|OR|IN|CONTAINS|LIKE|IS|NOT|NULL|[a-z][A-Za-z0-9_.]*|-?[0-9][0-9.e+-]*|[=<>!(),]| )*"
)


@LAWS
@given(predicate=predicates(), mode=st.sampled_from(["standard", "conservative"]))
def test_the_text_is_the_tree_and_nothing_else(predicate: str, mode: Any) -> None:
    tree, reason = inclusive(tree_of(predicate), DECLARED, mode)
    if tree is None:
        assert reason
        return
    assert is_documented(tree)
    text = to_text(tree)
    assert parse(text) == tree
    assert "\\" not in text
    assert text.isprintable() or not any(ord(char) < 32 for char in text)
    # However quotes are escaped: between two of them there is none.
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "x", text)
    assert OPERATORS.fullmatch(bare), bare
    assert split_generated(with_generated("", tree)) == ("", tree)
    assert split_generated(with_generated("name = 'x' or a.b = 1 --", tree))[1] in (tree, None)
