"""Fails loudly when duckdb's private source protocol is no longer what `_function/source.py` expects."""

from __future__ import annotations

import inspect
from typing import Any

import duckdb
import pyarrow as pa
from duckdb import _sources
from duckdb._sources import nodes

HELP = "duckdb's private source protocol changed: read its sources, mend _function/source.py, then this"


def test_the_classes_and_signatures_are_the_ones_we_know() -> None:
    base = _sources.ArrowScanSource
    assert list(inspect.signature(base.accepts).parameters) == ["self", "predicate"], HELP
    assert list(inspect.signature(base.stream).parameters) == ["self", "columns", "filters"], HELP
    assert list(inspect.signature(base.rows).parameters) == ["self"], HELP
    assert base.pull_under_gil is False, HELP
    fields = {
        "Col": ["parts"],
        "Lit": ["value", "type"],
        "Binary": ["op", "left", "right"],
        "Unary": ["op", "operand"],
        "Postfix": ["op", "operand"],
        "In": ["operand", "values"],
    }
    for name, expected in fields.items():
        assert list(inspect.signature(getattr(nodes, name)).parameters) == expected, HELP
    assert nodes.exact_value(nodes.Lit(1, "BIGINT")), HELP
    source = _sources.adapt(_Recorder())
    assert isinstance(source, _Recorder), HELP


class _Recorder(pa.Table, _sources.ArrowScanSource):  # type: ignore[misc]  # pyarrow is untyped
    SCHEMA = pa.schema([("a", pa.int64()), ("b", pa.string()), ("t", pa.timestamp("us", "UTC"))])

    def __init__(self) -> None:
        self.obj = self
        self.offered: list[str] = []
        self.streams: list[tuple[Any, list[str]]] = []

    def __arrow_c_schema__(self) -> object:
        return self.SCHEMA.__arrow_c_schema__()

    def rows(self) -> int:
        return 123

    def accepts(self, predicate: nodes.Node) -> bool:
        self.offered.append(nodes.fragment(predicate))
        return True

    def stream(self, columns: Any, filters: Any) -> tuple[object, bool]:
        self.streams.append((columns, [nodes.fragment(node) for node in filters]))
        chosen = list(range(3)) if columns is None else list(columns)
        schema = pa.schema([self.SCHEMA.field(index) for index in chosen])
        reader = pa.RecordBatchReader.from_batches(
            schema,
            [pa.RecordBatch.from_arrays([pa.nulls(2, f.type) for f in schema], schema=schema)],
        )
        return reader.__arrow_c_stream__(), columns is not None


def test_the_engine_calls_it_as_we_know() -> None:
    source = _Recorder()
    with duckdb.connect() as con:
        cursor = con.cursor()
        handle = cursor._register_source(source)
        cursor.close()
        rows = con.execute(
            f"SELECT b FROM {handle.name} WHERE a > 1 AND t >= TIMESTAMPTZ '2024-01-01 00:00:00+00' "
            "AND b IN ('x', 'y') AND NOT (a = 5 OR b IS NULL) AND length(b) = 1 IS NULL"
        ).fetchall()
        explained = con.execute(f"EXPLAIN FROM {handle.name}").fetchall()[0][1]
        del handle
    assert "~123 rows" in explained, HELP
    assert len(rows) == 2, HELP
    columns, filters = source.streams[0]
    assert list(columns) == [1], HELP
    assert sorted(filters) == sorted(set(source.offered)), HELP
    text = " ".join(source.offered)
    assert '("a" > 1)' in text, HELP
    assert "\"t\" >= TIMESTAMPTZ '2024-01-01 00:00:00+00'" in text, HELP
    assert "\"b\" IN ('x', 'y')" in text, HELP
