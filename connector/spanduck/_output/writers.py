"""Results for programs: CSV, JSON, Arrow and Parquet, written batch by batch."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Final, cast

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, ipc

from spanduck._export.parquet import write_groups
from spanduck._output.encoding import csv_rows, json_rows
from spanduck._output.formats import Format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from duckdb import DuckDBPyRelation

# Spans have about 2 kB: a batch is a few megabytes.
_BATCH_ROWS: Final = 2_048


class Sink(io.RawIOBase):
    """A stream that can tell how much went into it; Parquet asks, and a pipe cannot say."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        # The base class is typed with a protocol that no module exports.
        self._stream.write(data)
        self._position += len(data)
        return len(data)

    def flush(self) -> None:
        self._stream.flush()


def write_rows(
    relation: DuckDBPyRelation,
    fmt: Format,
    stream: IO[bytes],
    *,
    go_on: Callable[[], bool] = lambda: True,
) -> int:
    """Run the relation and write its rows; one batch is in memory at a time.

    Args:
        relation: What to run; once.
        fmt: Any but `table`.
        stream: Where the bytes go. It is flushed, not closed.
        go_on: Asked between batches; writing ends, and the query with it, when it says no.

    Returns:
        Rows written.
    """
    sink = Sink(stream)
    write = {
        Format.csv: _write_csv,
        Format.json: _write_json,
        Format.ndjson: _write_ndjson,
        Format.arrow: _write_arrow,
        Format.parquet: _write_parquet,
    }[fmt]
    rows = write(relation, sink, go_on)
    sink.flush()
    return rows


def _batches(reader: pa.RecordBatchReader, go_on: Callable[[], bool]) -> Iterator[pa.RecordBatch]:
    with reader:
        for batch in reader:
            if not go_on():
                return
            yield batch


def _write_csv(relation: DuckDBPyRelation, sink: Sink, go_on: Callable[[], bool]) -> int:
    reader = csv_rows(relation).to_arrow_reader(_BATCH_ROWS)
    rows = 0
    with csv.CSVWriter(sink, reader.schema) as writer:
        for batch in _batches(reader, go_on):
            writer.write_batch(batch)
            rows += len(batch)
    return rows


def _lines(relation: DuckDBPyRelation, go_on: Callable[[], bool]) -> Iterator[pa.Array]:
    reader = json_rows(relation).to_arrow_reader(_BATCH_ROWS)
    return (batch.column(0) for batch in _batches(reader, go_on) if len(batch))


def _joined(lines: pa.Array, separator: str) -> bytes:
    whole = pa.ListArray.from_arrays(pa.array([0, len(lines)], pa.int32()), lines)
    return cast("bytes", pc.binary_join(whole, separator)[0].as_buffer().to_pybytes())


def _write_json(relation: DuckDBPyRelation, sink: Sink, go_on: Callable[[], bool]) -> int:
    rows = 0
    sink.write(b"[")
    for lines in _lines(relation, go_on):
        sink.write(b",\n" if rows else b"\n")
        sink.write(_joined(lines, ",\n"))
        rows += len(lines)
    sink.write(b"\n]\n" if rows else b"]\n")
    return rows


def _write_ndjson(relation: DuckDBPyRelation, sink: Sink, go_on: Callable[[], bool]) -> int:
    rows = 0
    for lines in _lines(relation, go_on):
        sink.write(_joined(lines, "\n"))
        sink.write(b"\n")
        rows += len(lines)
    return rows


def write_arrow(sink: Sink, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Write batches as an Arrow stream; returns the number of rows."""
    rows = 0
    with ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += len(batch)
    return rows


def _write_arrow(relation: DuckDBPyRelation, sink: Sink, go_on: Callable[[], bool]) -> int:
    reader = relation.to_arrow_reader(_BATCH_ROWS)
    return write_arrow(sink, reader.schema, _batches(reader, go_on))


def _write_parquet(relation: DuckDBPyRelation, sink: Sink, go_on: Callable[[], bool]) -> int:
    reader = relation.to_arrow_reader(_BATCH_ROWS)
    return write_groups(sink, reader.schema, _batches(reader, go_on))
