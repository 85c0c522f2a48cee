"""An export of spans, in the format that was asked for."""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
from rich.console import Console

from spanduck._export.parquet import write_groups
from spanduck._output.formats import Format
from spanduck._output.reports import count
from spanduck._output.tables import TABLE_ROWS, show_table
from spanduck._output.writers import Sink, replacing, write_rows
from spanduck._progress import progress
from spanduck._scan.decode import Decoder
from spanduck._scan.schema_cache import declared_schema
from spanduck_sql.plan import wire_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from spanduck.client import SpansClient


# `Any`: the arguments of `SpansClient.export`, under the same names.
def export_spans(client: SpansClient, fmt: Format, output: Path | None, **arguments: Any) -> str:
    """Export spans to a file, or to stdout; returns what was done in a few words.

    Parquet and Arrow have the types that the service sends. The other formats have those of SQL:
    times are times, JSON documents are JSON.

    Args:
        client: Where from. Closing it, from any thread, ends the export.
        fmt: How they are written. A table shows the first rows, and the export ends there.
        output: The file, which appears once it is complete; stdout without one.
        **arguments: Those of `SpansClient.export`.
    """
    if fmt is Format.parquet and output is not None:
        return count(client.export_to_parquet(path=output, **arguments), "span")
    reader = client.export(**arguments)
    if fmt is Format.table:
        return _show(reader, arguments.get("columns"))
    # On a terminal the rows themselves show how far it is.
    is_wanted = False if output is None and sys.stdout.isatty() else client.settings.local.progress
    with (
        reader,
        progress(unit="spans", total=reader.total_rows, is_wanted=is_wanted) as advance,
    ):

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in reader:
                yield batch
                advance("exporting", batch.num_rows)

        if output is None:
            rows = _write(reader.schema, batches(), fmt, sys.stdout.buffer, arguments)
        else:
            with replacing(output) as stream:
                rows = _write(reader.schema, batches(), fmt, stream, arguments)
    return count(rows, "span")


def _write(
    schema: pa.Schema,
    batches: Iterator[pa.RecordBatch],
    fmt: Format,
    stream: IO[bytes],
    arguments: dict[str, Any],
) -> int:
    sink = Sink(stream)
    if fmt is Format.parquet:
        rows = write_groups(sink, schema, batches)
    elif fmt is Format.arrow:
        rows = 0
        with pa.ipc.new_stream(sink, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
                rows += batch.num_rows
    else:
        with _SqlRows(schema, batches, arguments.get("columns")) as relation:
            rows = write_rows(relation, fmt, stream)
    sink.flush()
    return rows


def _show(reader: pa.RecordBatchReader, columns: list[str] | None) -> str:
    with reader, _SqlRows(reader.schema, iter(reader), columns) as relation:
        shown = show_table(Console(), relation.to_arrow_reader(TABLE_ROWS + 1))
    more = " shown of more; other formats have them all" if shown.has_more else ""
    return f"{count(shown.rows, 'span')}{more}"


class _SqlRows:
    """The batches of an export as a relation of SQL types, of an engine that lives as long."""

    def __init__(
        self, wire: pa.Schema, batches: Iterator[pa.RecordBatch], columns: list[str] | None
    ) -> None:
        declared = declared_schema(wire)
        fields = [item for item in declared if not columns or wire_name(item) in columns]
        self._schema = pa.schema([item.remove_metadata() for item in fields])
        self._failure: BaseException | None = None
        self._con = duckdb.connect()
        decoder = Decoder(wire, fields)

        def decoded() -> Iterator[pa.RecordBatch]:
            try:
                for batch in batches:
                    arrays = [decoder.column(batch, item) for item in fields]
                    yield pa.RecordBatch.from_arrays(arrays, schema=self._schema)
            except Exception as exc:
                self._failure = exc
                raise

        self._reader = pa.RecordBatchReader.from_batches(self._schema, decoded())

    def __enter__(self) -> duckdb.DuckDBPyRelation:
        return self._con.from_arrow(self._reader)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._con.close()
        if kind is not None and self._failure is not None:
            # DuckDB hands on the text of what its source has raised, in words of its own.
            raise self._failure from None
