"""An export as a Parquet file."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

import pyarrow as pa

from spanduck._export.replacing import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import RawIOBase
    from pathlib import Path

_GROUP_ROWS: Final = 100_000
_GROUP_BYTES: Final = 32 << 20


def write_parquet(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Write batches to a Parquet file, zstd-compressed, and return the number of rows.

    The file gets its name when it is complete; until then it has a temporary one in the same
    folder, which is removed should anything fail. A row group holds up to 100,000 rows or 32 MiB,
    which is what is in memory.

    Raises:
        ConfigError: The file cannot be written.
    """
    with replacing(path) as file:
        return write_groups(file, schema, batches)


def write_groups(
    file: IO[bytes] | RawIOBase, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> int:
    """Write batches to an open file as Parquet; returns the number of rows."""
    # It imports pandas, which nothing else here needs.
    import pyarrow.parquet as pq  # noqa: PLC0415

    rows = 0
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for group in _groups(batches):
            writer.write_table(group, row_group_size=group.num_rows)
            rows += group.num_rows
    return rows


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    rows = size_bytes = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        size_bytes += batch.nbytes
        if rows >= _GROUP_ROWS or size_bytes >= _GROUP_BYTES:
            yield pa.Table.from_batches(held)
            held, rows, size_bytes = [], 0, 0
    if held:
        yield pa.Table.from_batches(held)
