"""Files of spans, as streams of Arrow record batches."""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Final, cast

import duckdb
import pyarrow as pa

from spanduck._upload.values.kinds import SHORT_SPAN_ID
from spanduck._upload.values.long import LEVEL
from spanduck.exceptions import ValidationError
from spanduck_sql.schema import (
    END_TIME,
    START_TIME,
    UPLOAD_COLUMN_BY_NAME,
    ColumnKind,
    parse_evaluation_column,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_BATCH_ROWS: Final = 10_000
_MOST_BLANKS: Final = 4_096
_BLANKS: Final = b" \t\r\n\xef\xbb\xbf"
_LONGEST_LINE: Final = 200
_ARROW_FILE_MAGIC: Final = b"ARROW1"
_INTEGERS: Final = frozenset({"tinyint", "smallint", "integer", "bigint", "ubigint", "hugeint"})
_NUMBERS: Final = _INTEGERS | {"float", "double"}
# Beside the columns of spans: those of evaluations that have a row each.
_TEXTS: Final = frozenset({SHORT_SPAN_ID, LEVEL, "label", "explanation"})
# Three levels: the row, a list in it, and what the list holds. What lies deeper stays JSON.
_JSON_DEPTH: Final = 3

_SNIFF_CSV: Final = "FROM read_csv(?, sample_size = -1, allow_quoted_nulls = false)"
_READ_CSV: Final = "FROM read_csv(?, types = ?, sample_size = -1, allow_quoted_nulls = false)"
_SNIFF_JSON: Final = "FROM read_json(?, sample_size = -1, maximum_depth = ?)"
_READ_JSON: Final = "FROM read_json(?, columns = ?)"


@contextmanager
def opened(path: Path, fmt: str) -> Iterator[pa.RecordBatchReader]:
    """Open a file of spans or evaluations; it is read as the reader is.

    Parquet and Arrow keep their types. In CSV and JSON the columns that the service knows are read
    as what they are, so that an id of digits stays a text; times stay texts or integers; other
    columns get the type that all of their values have, texts where that is no number or boolean.
    An object in JSON becomes its text.

    Args:
        path: The file.
        fmt: `parquet`, `arrow` (a file or a stream), `csv`, `json` (an array or objects) or
            `ndjson`.

    Yields:
        Batches of at most 10,000 rows, or of whatever an Arrow file has.

    Raises:
        ValidationError: It is no such file, empty or broken; also while it is read.
    """
    if _is_blank(path):
        raise ValidationError(f"{path} is empty", next_step="It needs at least its columns.")
    with ExitStack() as stack:
        with _told(path, fmt):
            schema, batches = _open(path, fmt, stack)
        yield pa.RecordBatchReader.from_batches(schema, _watched(path, fmt, batches))


def _is_blank(path: Path) -> bool:
    # White space, or a BOM, would be a CSV of one column.
    is_short = path.is_file() and path.stat().st_size <= _MOST_BLANKS
    return is_short and not path.read_bytes().strip(_BLANKS)


def _open(path: Path, fmt: str, stack: ExitStack) -> tuple[pa.Schema, Iterable[pa.RecordBatch]]:
    if fmt == "parquet":
        # It imports pandas, which no other format needs.
        from pyarrow import parquet  # noqa: PLC0415

        file = stack.enter_context(parquet.ParquetFile(path))
        return file.schema_arrow, file.iter_batches(_BATCH_ROWS)
    if fmt == "arrow":
        source = stack.enter_context(pa.OSFile(str(path)))
        magic = source.read(len(_ARROW_FILE_MAGIC))
        source.seek(0)
        if magic != _ARROW_FILE_MAGIC:
            stream = pa.ipc.open_stream(source)
            return stream.schema, stream
        file = pa.ipc.open_file(source)
        return file.schema, map(file.get_batch, range(file.num_record_batches))
    con = stack.enter_context(closing(duckdb.connect()))
    relation = _csv(con, path) if fmt == "csv" else _json(con, path)
    reader = relation.to_arrow_reader(_BATCH_ROWS)
    return reader.schema, reader


def _csv(con: duckdb.DuckDBPyConnection, path: Path) -> duckdb.DuckDBPyRelation:
    sniffed = con.sql(_SNIFF_CSV, params=[str(path)])
    # A list has no notation in CSV but the JSON text of it.
    types = _types(sniffed, lists="VARCHAR")
    return con.sql(_READ_CSV, params=[str(path), types])


def _json(con: duckdb.DuckDBPyConnection, path: Path) -> duckdb.DuckDBPyRelation:
    sniffed = con.sql(_SNIFF_JSON, params=[str(path), _JSON_DEPTH])
    return con.sql(_READ_JSON, params=[str(path), _types(sniffed, lists="VARCHAR[]")])


def _types(sniffed: duckdb.DuckDBPyRelation, *, lists: str) -> dict[str, str]:
    columns = zip(sniffed.columns, sniffed.types, strict=True)
    return {name: _type(name, kind, lists=lists) for name, kind in columns}


def _type(name: str, sniffed: duckdb.sqltypes.DuckDBPyType, *, lists: str) -> str:
    kind = sniffed.id
    if name in (START_TIME, END_TIME):
        # As text a time keeps its nanoseconds and its zone.
        return "BIGINT" if kind in _INTEGERS else "VARCHAR"
    evaluation = parse_evaluation_column(name)
    known = UPLOAD_COLUMN_BY_NAME.get(name)
    if known is not None and known.kind is ColumnKind.LIST_DICT:
        return lists
    if known is not None and known.kind is ColumnKind.BOOL:
        return "BOOLEAN"
    is_score = name == "score" or (evaluation is not None and evaluation.field == "score")
    if is_score or (known is not None and known.kind is ColumnKind.NUMERIC):
        return str(sniffed) if kind in _NUMBERS else "DOUBLE"
    if known is not None or evaluation is not None or name in _TEXTS:
        return "VARCHAR"
    if kind == "list":
        element = cast("duckdb.sqltypes.DuckDBPyType", sniffed.children[0][1])
        return str(sniffed) if _is_plain(element) else lists
    return str(sniffed) if _is_plain(sniffed) else "VARCHAR"


def _is_plain(kind: duckdb.sqltypes.DuckDBPyType) -> bool:
    return kind.id == "boolean" or kind.id in _NUMBERS


def _watched(path: Path, fmt: str, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    with _told(path, fmt):
        yield from batches


@contextmanager
def _told(path: Path, fmt: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, duckdb.Error, OSError) as exc:
        reason = "; ".join(_told_lines(str(exc)))
        raise ValidationError(
            f"{path} cannot be read as {fmt}: {reason}",
            next_step="Name its format with --format if it is another.",
        ) from exc


def _told_lines(text: str) -> Iterator[str]:
    # After these DuckDB gives advice on options that nobody here can set.
    for line in text.strip().splitlines():
        if not line.strip() or line.startswith(("Possible ", "This type was ", "Column ")):
            return
        yield line.strip()[:_LONGEST_LINE]
