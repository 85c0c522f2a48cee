"""An export of spans, in the format that was asked for."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from spanduck._export.parquet import write_groups
from spanduck._output.consoles import Done, say, stdout
from spanduck._output.formats import Format
from spanduck._output.reports import count
from spanduck._output.tables import TABLE_ROWS, show_table
from spanduck._output.writers import Sink, write_arrow, write_rows
from spanduck._progress import progress
from spanduck._scan.decode import Decoder
from spanduck._scan.schema_cache import declared_schema
from spanduck.exceptions import ValidationError
from spanduck_sql.plan import wire_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spanduck.client import SpansClient


# `Any`: the arguments of `SpansClient.export`, under the same names.
def export_spans(client: SpansClient, fmt: Format, stream: IO[bytes], **arguments: Any) -> Done:
    """Export spans to a stream; returns what it came to.

    Parquet and Arrow have the types that the service sends. The other formats have those of SQL:
    times are times, JSON documents are JSON.

    Args:
        client: Where from. Closing it, from any thread, ends the export.
        fmt: How they are written. A table shows the first rows, and the export ends there.
        stream: Where the bytes go, but for a table, which goes to stdout.
        **arguments: Those of `SpansClient.export`.

    Raises:
        ValidationError: None of the columns is there.
        ServiceError: The export failed.
    """
    if fmt is Format.table:
        with client.export(**arguments) as reader:
            return _show(reader, _wanted(reader, arguments))
    # On a terminal the rows themselves show how far it is.
    is_wanted = False if stream.isatty() else client.settings.local.progress
    with (
        client.export(**arguments) as reader,
        progress(unit="spans", total=reader.total_rows, is_wanted=is_wanted) as advance,
    ):
        wanted = _wanted(reader, arguments)

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in reader:
                yield batch
                advance("exporting", batch.num_rows)

        rows = _write(reader.schema, batches(), fmt, stream, wanted)
    return Done(count(rows, "span"))


# `Any`: as above.
def _wanted(reader: pa.RecordBatchReader, arguments: dict[str, Any]) -> Sequence[str] | None:
    """Return the columns that were asked for; those that no span has are told."""
    columns: Sequence[str] | None = arguments.get("columns")
    absent = [name for name in columns or () if name not in reader.schema.names]
    if not absent:
        return columns
    told = f"no span has {', '.join(map(repr, absent))}"
    if columns is not None and len(absent) == len(columns):
        query = f"FROM spans('{arguments['project_name']}') LIMIT 0"
        raise ValidationError(
            f"{told}, and no other column is asked for",
            column=absent[0],
            next_step=f'The names that there are: spanduck query "{query}" -f csv',
        )
    say(f"{told}: left out")
    return columns


def _write(
    schema: pa.Schema,
    batches: Iterator[pa.RecordBatch],
    fmt: Format,
    stream: IO[bytes],
    columns: Sequence[str] | None,
) -> int:
    sink = Sink(stream)
    if fmt is Format.parquet:
        rows = write_groups(sink, schema, batches)
    elif fmt is Format.arrow:
        rows = write_arrow(sink, schema, batches)
    else:
        with _SqlRows(schema, batches, columns) as relation:
            return write_rows(relation, fmt, stream)
    sink.flush()
    return rows


def _show(reader: pa.RecordBatchReader, columns: Sequence[str] | None) -> Done:
    with _SqlRows(reader.schema, iter(reader), columns) as relation:
        shown = show_table(stdout(), relation.to_arrow_reader(TABLE_ROWS + 1))
    what = count(shown.rows, "span")
    if shown.has_more:
        return Done(f"{what} shown of more", "other formats have them all")
    return Done(what)


class _SqlRows:
    """The batches of an export as a relation of SQL types, of an engine that lives as long."""

    def __init__(
        self, wire: pa.Schema, batches: Iterator[pa.RecordBatch], columns: Sequence[str] | None
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
