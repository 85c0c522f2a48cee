"""The shared cases of the filter language, each as its line says."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp

import spanduck_sql.dialect  # noqa: F401 - registers it
from spanduck_sql.errors import FilterError
from spanduck_sql.expressions import And, Between, Compare, Contains, In, Like, Not, Or
from spanduck_sql.language.binding import bind
from spanduck_sql.language.columns import Column, StoredKind
from spanduck_sql.language.fields import FieldType, canonical_name, field_type
from spanduck_sql.language.generate import condition
from spanduck_sql.language.parser import parse
from spanduck_sql.language.printer import to_text
from spanduck_sql.visitors import columns_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanduck_sql.expressions import Predicate

CASES_FILE = Path(__file__).parent / "filter_cases.jsonl"


@dataclass(frozen=True)
class Case:
    """A line of the file; see section 11 of the reference for its fields."""

    dsl: str
    ok: bool
    duckdb_sql: str = ""
    error: str | None = None
    note: str = ""


def cases(*, ok: bool) -> list[Any]:
    """Return the cases that parse, or those that do not, as parameters."""
    lines = CASES_FILE.read_text("utf-8").splitlines()
    every = [Case(**json.loads(line)) for line in lines]
    assert len(every) == 216
    return [pytest.param(case, id=case.dsl or "(empty)") for case in every if case.ok is ok]


@pytest.mark.parametrize("case", cases(ok=True))
def test_a_filter_parses_and_its_normal_form_means_the_same(case: Case) -> None:
    tree = parse(case.dsl)
    assert parse(to_text(tree)) == tree


@pytest.mark.parametrize("case", cases(ok=False))
def test_a_faulty_filter_fails_with_its_code(case: Case) -> None:
    with pytest.raises(FilterError) as caught:
        bind(parse(case.dsl), None, text=case.dsl)
    error = caught.value
    assert error.code is not None
    assert case.error in (error.code, None), str(error)
    if error.position is not None:
        assert error.end is not None
        assert 0 <= error.position <= error.end <= len(case.dsl)


ROWS = 1_000
NOON = datetime(2024, 5, 1, 10, tzinfo=UTC)
TYPES: dict[FieldType, tuple[StoredKind, str, list[Any]]] = {
    FieldType.STRING: (
        StoredKind.TEXT,
        "VARCHAR",
        ["", "OK", "x", "Chat search_web", "\\%", "true"],
    ),
    FieldType.NUMBER: (StoredKind.DOUBLE, "DOUBLE", [0.0, -0.5, 5.0, 5.5, 9.3e18, 150.0, 1e-300]),
    FieldType.BOOLEAN: (StoredKind.BOOLEAN, "BOOLEAN", [True, False]),
    FieldType.TIMESTAMP: (
        StoredKind.TIMESTAMP,
        "TIMESTAMPTZ",
        [NOON + timedelta(minutes=minutes) for minutes in (-600, 0, 59, 60, 61, 840)],
    ),
    FieldType.ANY: (
        StoredKind.TEXT,
        "VARCHAR",
        ["", "True", "false", "3", "2.5", "10", "prod", "X"],
    ),
}
# Not stored, so that its cases read nothing.
ABSENT = frozenset({"attributes.order", "eval.v2_1.label", "session_eval.Frustration.score"})


def compared_values(tree: Predicate) -> Iterator[tuple[str, Any]]:
    """Return the columns of a filter with values near those they are compared with."""
    pending = [tree]
    while pending:
        match pending.pop():
            case And(operands) | Or(operands):
                pending += operands
            case Not(operand):
                pending.append(operand)
            case Compare(_, column, literal):
                yield column, literal.value
            case In(column, literals):
                yield from ((column, literal.value) for literal in literals)
            case Between(column, low, high):
                yield from ((column, bound.value) for bound in (low, high))
            case Like(column, text) | Contains(column, text):
                for value in (text.replace("%", ""), f"so {text}!", text.upper(), text.lower()):
                    yield column, value


@pytest.fixture(scope="module")
def spans() -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, Column]]]:
    """Spans in which every column of the cases has the values that the cases ask for."""
    values_by_name: dict[str, list[Any]] = defaultdict(list)
    for parameter in cases(ok=True):
        tree = parse(parameter.values[0].dsl)
        for name in columns_of(tree):
            values_by_name[name] += []
        for name, value in compared_values(tree):
            values_by_name[name].append(value)
    draw = random.Random(5)
    columns, arrays, selected = {}, [], []
    for index, (name, asked) in enumerate(values_by_name.items()):
        kind = field_type(name)
        if name in ABSENT or kind is None:
            continue
        stored_kind, sql_type, values = TYPES[kind]
        if kind is not FieldType.TIMESTAMP:
            is_number = kind is FieldType.NUMBER
            values = [*values, *(value if is_number else str(value) for value in asked)]
        columns[name] = Column(name, stored_kind, f"column {index}")
        arrays.append(pa.array(draw.choices([*values, None], k=ROWS)))
        selected.append(f'CAST("column {index}" AS {sql_type}) AS "column {index}"')
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        names = [column.sql_name for column in columns.values()]
        connection.register("given", pa.table(arrays, names))
        connection.execute(f"CREATE TABLE spans AS SELECT {', '.join(selected)} FROM given")
        yield connection, columns


def over_stored(sql: exp.Expr, columns: dict[str, Column]) -> str:
    """Return a condition over the service's names as one over the stored columns.

    By exact case, which DuckDB alone would not heed; what is not stored is NULL.
    """

    def stored(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Column):
            return node
        column = columns.get(canonical_name(node.name))
        return exp.Null() if column is None else exp.column(column.sql_name, quoted=True)

    return sql.transform(stored).sql("duckdb")


@pytest.mark.parametrize("case", cases(ok=True))
def test_a_filter_finds_the_rows_that_its_sql_finds(case: Case, spans: Any) -> None:
    connection, columns = spans

    def rows(sql: str) -> list[tuple[int]]:
        query = f"SELECT rowid FROM spans WHERE {sql} ORDER BY ALL"
        return list(connection.execute(query).fetchall())

    wanted = rows(over_stored(sqlglot.parse_one(case.duckdb_sql, read="duckdb"), columns))
    bound = bind(parse(case.dsl), columns, text=case.dsl)
    assert rows(condition(bound).sql("duckdb")) == wanted
    # As a dialect of sqlglot, where nothing is known of what is stored.
    assert rows(over_stored(sqlglot.parse_one(case.dsl, read="ax_filter"), columns)) == wanted


def test_nearly_every_case_finds_some_rows_and_not_all(spans: Any) -> None:
    connection, columns = spans
    counts = []
    for parameter in cases(ok=True):
        sql = condition(bind(parse(parameter.values[0].dsl), columns)).sql("duckdb")
        counts += connection.execute(f"SELECT count(*) FROM spans WHERE {sql}").fetchone()
    assert sum(0 < count < ROWS for count in counts) > 0.9 * len(counts)
