"""What Arrow has no kernel for, done by a private in-memory DuckDB: JSON."""

from __future__ import annotations

import atexit
import threading
from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

_lock = threading.Lock()
_database: duckdb.DuckDBPyConnection | None = None

_ARE_JSON: Final = "coalesce(bool_and(json_valid(v) AND v <> ''), TRUE)"
_AS_JSON: Final = """
    CASE
        WHEN v = '' THEN NULL
        WHEN json_valid(v) THEN v
        ELSE CAST(to_json(v) AS VARCHAR)
    END AS v
"""
# A list that came as one text: an array's elements, or whatever it is as the only one.
_AS_JSON_LIST: Final = """
    CASE
        WHEN v IS NULL OR v = '' THEN NULL
        WHEN json_valid(v) AND json_type(v) = 'ARRAY' THEN CAST(json_extract(v, '$[*]') AS
        VARCHAR[]) WHEN json_valid(v) THEN [v] ELSE [CAST(to_json(v) AS VARCHAR)]
    END AS v
"""
_TO_JSON: Final = "CASE WHEN v IS NULL THEN NULL ELSE CAST(to_json(v) AS VARCHAR) END AS v"


def are_json(texts: pa.Array) -> bool:
    """Tell whether every non-null text is JSON, and none is empty."""
    with _open().cursor() as cursor:
        rows = _relation(cursor, texts).aggregate(_ARE_JSON).fetchall()
    return bool(rows[0][0])


def as_json(texts: pa.Array) -> pa.Array:
    """Return JSON texts: '' becomes null, text that is not JSON a JSON string of it."""
    return _project(texts, _AS_JSON, pa.string())


def as_json_list(texts: pa.Array) -> pa.Array:
    """Return lists of JSON texts, from one text each."""
    return _project(texts, _AS_JSON_LIST, pa.list_(pa.string()))


def to_json(values: pa.Array) -> pa.Array:
    """Return JSON texts of nested values."""
    return _project(values, _TO_JSON, pa.string())


def _project(values: pa.Array, expression: str, to: pa.DataType) -> pa.Array:
    with _open().cursor() as cursor:
        table = _relation(cursor, values).project(expression).to_arrow_table()
    return _one(table.column(0).chunks, to)


def _relation(cursor: duckdb.DuckDBPyConnection, values: pa.Array) -> duckdb.DuckDBPyRelation:
    return cursor.from_arrow(pa.Table.from_arrays([values], ["v"]))


def _one(chunks: Sequence[pa.Array], to: pa.DataType) -> pa.Array:
    casted = [chunk.cast(to) for chunk in chunks]
    if not casted:
        return pa.array([], to)
    return casted[0] if len(casted) == 1 else pa.concat_arrays(casted)


def _open() -> duckdb.DuckDBPyConnection:
    global _database  # noqa: PLW0603 - one database for the process, made at first use
    with _lock:
        if _database is None:
            # One thread: the caller is already one of several, and batches are small.
            _database = duckdb.connect(":memory:", config={"threads": 1})
        return _database


# A connection that is alive when the interpreter ends makes the bindings report a leak.
@atexit.register
def _close() -> None:
    global _database  # noqa: PLW0603
    with _lock:
        if _database is not None:
            _database.close()
            _database = None
