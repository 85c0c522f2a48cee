"""The query of a run: bound, its columns understood, and its rows read into the ledger."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import duckdb

from spanduck._progress import progress
from spanduck._sql import run_rewritten
from spanduck._write_back.documents import documents_of
from spanduck._write_back.keys import span_key
from spanduck._write_back.kinds import METADATA_KIND
from spanduck._write_back.quick import with_quick_numbers
from spanduck._write_back.shape import NULLS_SKIP, Shape, model_shape
from spanduck._write_back.values import values_of
from spanduck.exceptions import CancelledError, ValidationError

if TYPE_CHECKING:
    import threading

    from spanduck._config import Settings
    from spanduck._write_back.incremental import Watermark
    from spanduck._write_back.ledger import Ledger
    from spanduck._write_back.model import Model

_READ_ROWS: Final = 8_192
"""At a time; Python takes some microseconds for each batch, whatever is in it."""
_READ_DOCUMENTS: Final = 2_048
"""Of metadata, whose rows may be long: a batch is in memory."""
# A PIVOT is several statements to DuckDB, and one query to whoever writes it.
_QUERY_TYPES: Final = (duckdb.StatementType.SELECT, duckdb.StatementType.MULTI)


def bound(
    con: duckdb.DuckDBPyConnection, sql: str | duckdb.DuckDBPyRelation, *, is_attached: bool
) -> duckdb.DuckDBPyRelation:
    """Return the query of a run, not run yet.

    Args:
        con: Where it runs.
        sql: One SELECT, or a relation of `con`.
        is_attached: It may read `spans(...)`, and is rewritten for more pushdown.

    Raises:
        ValidationError: It is no single SELECT.
        duckdb.Error: It cannot be bound.
    """
    if isinstance(sql, duckdb.DuckDBPyRelation):
        return sql
    statements = con.extract_statements(sql)
    if len(statements) != 1 or statements[0].type not in _QUERY_TYPES:
        told = ", ".join(str(statement.type).rpartition(".")[2] for statement in statements)
        raise ValidationError(
            f"a write-back takes one SELECT, not {told or 'an empty text'}",
            next_step="Run other statements on the connection first.",
        )
    return run_rewritten(con, sql, con.sql) if is_attached else con.sql(sql)


def shape_of(query: duckdb.DuckDBPyRelation, model: Model) -> Shape:
    """Return what the columns of a query make of its rows.

    Raises:
        ValidationError: They make no values.
    """
    key = None if model.key is None else span_key(model.key)
    return model_shape(
        query.columns,
        [str(type_) for type_ in query.types],
        kind=model.kind,
        key=None if key is None or key.is_span_id else key,
        nulls=model.nulls if model.nulls is not None else NULLS_SKIP,
        has_start_time=model.incremental,
    )


def read_values(
    query: duckdb.DuckDBPyRelation,
    shape: Shape,
    ledger: Ledger,
    watermark: Watermark,
    *,
    settings: Settings,
    stop: threading.Event,
    is_looked_up: bool,
) -> int:
    """Read a query to its end into the ledger, in batches; returns its number of rows.

    Args:
        query: The model.
        shape: How its rows become values.
        ledger: Takes them.
        watermark: Sees the rows.
        settings: Whether progress is shown.
        stop: Ends it.
        is_looked_up: The ledger compares the values' quick numbers.

    Raises:
        CancelledError: `stop` was set.
    """
    read_rows = _READ_ROWS
    if shape.kind is METADATA_KIND:
        read_rows = _READ_DOCUMENTS
        made = partial(documents_of, shape=shape, to_json=ledger.to_json)
    elif is_looked_up and (numbered := with_quick_numbers(query, shape)) is not None:
        made = partial(values_of, shape=shape, quick_from=len(query.columns))
        query = numbered
    else:
        made = partial(values_of, shape=shape)
    rows = 0
    with progress(unit="rows", is_wanted=settings.local.progress) as advance:
        for batch in query.to_arrow_reader(read_rows):
            if stop.is_set():
                raise CancelledError("the write-back was cancelled before it sent anything")
            ledger.add(made(batch, first_row=rows))
            watermark.see(batch)
            rows += len(batch)
            advance("reading", len(batch))
    return rows
