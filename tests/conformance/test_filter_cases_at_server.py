"""The embedded server selects what the language says: its filters against our evaluator, row by row."""

from __future__ import annotations

import json
import random
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa
import pytest

import spanduck
from spanduck._sample import generate_table
from spanduck.exceptions import Error
from spanduck_sql.expressions import And, Between, Compare, In, Like, Not, Or
from spanduck_sql.language.binding import bind
from spanduck_sql.language.columns import columns_of_schema
from spanduck_sql.language.evaluate import evaluate
from spanduck_sql.language.fields import FieldType, field_type
from spanduck_sql.language.parser import parse
from spanduck_sql.schema import EVENT_ATTRIBUTES, EVENTS, SPAN_ID, parse_evaluation_column
from spanduck_sql.visitors import columns_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanduck.embedded import EmbeddedServer
    from spanduck_sql.expressions import Predicate

LINES = (Path(__file__).parent / "filter_cases.jsonl").read_text("utf-8").splitlines()
CASES = [json.loads(line) for line in LINES]
FILTERS = [case["dsl"] for case in CASES if case["ok"]]
ROWS = 400
REQUIRED = {"context.trace_id", "name"}
COMPUTED = {"start_time", "end_time", "latency_ms", EVENT_ATTRIBUTES, EVENTS, SPAN_ID}


def _constants(tree: Predicate) -> Iterator[tuple[str, object]]:
    """Every column of a filter with every constant it is compared with."""
    match tree:
        case And() | Or():
            for operand in tree.operands:
                yield from _constants(operand)
        case Not(operand):
            yield from _constants(operand)
        case Compare(_, column, literal):
            yield column, literal.value
        case In(column, literals):
            yield from ((column, literal.value) for literal in literals)
        case Between(column, low, high):
            yield from ((column, low.value), (column, high.value))
        case Like(column, pattern):
            yield column, pattern.replace("%", "x").replace("_", "y")


def _spans() -> pa.Table:
    """Spans whose columns hold, at random, what the filters look for, and other things."""
    generator = random.Random(7)
    pools: dict[str, list[Any]] = defaultdict(list)
    for tree in map(parse, FILTERS):
        for name in columns_of(tree):
            pools[name] += [None, "x"]
        for name, value in _constants(tree):
            pools[name] += [value] * 3
    table = generate_table(ROWS, seed=3)
    documents = [
        json.dumps({name.removeprefix("attributes.metadata."): generator.choice(pools[name])
                    for name in pools if name.startswith("attributes.metadata.")})
        for _ in range(ROWS)
    ]  # fmt: skip
    columns: dict[str, pa.Array] = {"attributes.metadata": pa.array(documents)}
    for name, pool in pools.items():
        kind = field_type(name)
        if name in COMPUTED or name.startswith(("annotation.", "attributes.metadata", "tag.")):
            continue
        drawn = [generator.choice(pool) for _ in range(ROWS)]
        if kind is FieldType.NUMBER:
            drawn = [None if isinstance(value, str) else value for value in drawn]
            columns[name] = pa.array(drawn, pa.float64())
        elif kind is FieldType.BOOLEAN:
            columns[name] = pa.array([v if isinstance(v, bool) else None for v in drawn])
        elif name in REQUIRED:
            columns[name] = pa.array([str(value or "none") for value in drawn])
        else:
            columns[name] = pa.array([None if v is None else str(v) for v in drawn], pa.string())
    kept = [name for name in table.column_names if name not in columns]
    made = table.select(kept)
    for name, values in columns.items():
        made = made.append_column(name, values)
    now = time.time_ns()
    starts = pa.array([now - n * 10**9 for n in range(ROWS)], pa.int64())
    return made.set_column(made.column_names.index("start_time"), "start_time", starts)


@pytest.fixture(scope="module")
def exports(server: EmbeddedServer) -> Iterator[Any]:
    """A function that exports what a filter selects of a project made for these filters."""
    variables = server.environment().items()
    settings: dict[str, Any] = {n.removeprefix("ARIZE_").lower(): v for n, v in variables}
    project = f"cases {uuid4().hex}"
    with spanduck.SpansClient(**settings, progress=False) as client:
        spans = _spans()
        names = [name for name in spans.column_names if parse_evaluation_column(name)]
        sendable = [name for name in names if parse_evaluation_column(name, sendable=True)]
        evaluations = spans.select([SPAN_ID, *sendable])
        client.log(project_name=project, dataframe=spans.drop_columns(names), validate=False)
        client.update_evaluations(project_name=project, dataframe=evaluations, validate=False)

        def export(**asked: Any) -> pa.Table:
            return client.export(project_name=project, **asked).read_all()

        yield export


@pytest.fixture(scope="module")
def rows(exports: Any) -> tuple[pa.Schema, list[dict[str, Any]]]:
    table = exports()
    return table.schema, table.to_pylist()


@pytest.mark.parametrize("text", FILTERS)
def test_the_server_selects_what_the_language_says(
    exports: Any, rows: tuple[pa.Schema, list[dict[str, Any]]], text: str
) -> None:
    schema, spans = rows
    bound = bind(parse(text), columns_of_schema(schema), text=text)
    wanted = sorted(span[SPAN_ID] for span in spans if evaluate(bound, span) is True)
    assert sorted(exports(where=text, columns=[SPAN_ID])[SPAN_ID].to_pylist()) == wanted


def test_the_filters_select_something(rows: tuple[pa.Schema, list[dict[str, Any]]]) -> None:
    schema, spans = rows
    columns = columns_of_schema(schema)
    selecting = 0
    for text in FILTERS:
        bound = bind(parse(text), columns, text=text)
        selecting += any(evaluate(bound, span) is True for span in spans)
    assert selecting > 0.6 * len(FILTERS)


@pytest.mark.parametrize("text", [case["dsl"] for case in CASES if not case["ok"] and case["dsl"]])
def test_the_server_refuses_what_is_no_filter(exports: Any, text: str) -> None:
    with pytest.raises(Error):
        exports(where=text, columns=[SPAN_ID])
