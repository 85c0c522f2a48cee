"""Batches in pieces that the wire takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanduck._write.rules import BATCH_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa


def cut(batch: pa.RecordBatch, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Cut a batch into even pieces of at most `batch_rows` rows and about `BATCH_BYTES`."""
    if not len(batch):
        return
    row_bytes = -(-batch.nbytes // len(batch))
    most = max(1, min(batch_rows, BATCH_BYTES // max(1, row_bytes)))
    pieces = -(-len(batch) // most)
    step = -(-len(batch) // pieces)
    for start in range(0, len(batch), step):
        yield batch.slice(start, step)
