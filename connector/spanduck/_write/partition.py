"""Values brought together by span, in files rather than in memory."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spanduck._write.arrays import to_arrow, to_numpy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BUCKET_BYTES: Final = 4 << 20
_MOST_BUCKETS: Final = 128
"""Each is an open file; beyond them buckets grow instead."""
_SPLIT_ROWS: Final = 20_000
_SPLIT_BYTES: Final = 4 << 20


def bucket_count(size_bytes: int) -> int:
    """Return in how many buckets so much data should be split."""
    return max(1, min(_MOST_BUCKETS, -(-size_bytes // _BUCKET_BYTES)))


def by_span(
    values: Iterable[pa.RecordBatch], buckets: int, folder: Path
) -> Iterator[pa.RecordBatch]:
    """Reorder values so that those of a span follow each other.

    A database would sort them, and keep the long texts of all of them in memory to do it.

    Args:
        values: Batches with a `span_id` and a `bucket` that is a function of it; read to the end
            before the first result.
        buckets: How many there are.
        folder: Where the files go; they are removed when the result is used up or closed.
    """
    with tempfile.TemporaryDirectory(prefix="buckets-", dir=folder) as name:
        paths = _split(values, buckets, Path(name))
        for path in paths:
            with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
                table = reader.read_all().combine_chunks()
            path.unlink()
            order = pc.sort_indices(table.column("span_id").chunk(0))
            yield from table.take(order).combine_chunks().to_batches()


def _split(values: Iterable[pa.RecordBatch], buckets: int, folder: Path) -> list[Path]:
    paths: dict[int, Path] = {}
    with contextlib.ExitStack() as stack:
        writers: dict[int, pa.ipc.RecordBatchStreamWriter] = {}
        pieces = (piece for table in _gathered(values) for piece in _by_bucket(table, buckets))
        for bucket, piece in pieces:
            if bucket not in writers:
                paths[bucket] = folder / f"{bucket}.arrow"
                file = stack.enter_context(pa.OSFile(str(paths[bucket]), "wb"))
                writers[bucket] = stack.enter_context(pa.ipc.new_stream(file, piece.schema))
            writers[bucket].write_batch(piece)
    return [paths[bucket] for bucket in sorted(paths)]


def _by_bucket(table: pa.Table, buckets: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    bucket_of_value = to_numpy(table.column("bucket").chunk(0))
    order = np.argsort(bucket_of_value, kind="stable")
    ordered = table.take(to_arrow(order)).combine_chunks().to_batches()[0]
    begin = 0
    for bucket, length in enumerate(np.bincount(bucket_of_value, minlength=buckets).tolist()):
        if length:
            yield bucket, ordered.slice(begin, length)
        begin += length


def _gathered(values: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in values:
        if not len(batch):
            continue
        held.append(batch)
        rows, size = rows + len(batch), size + batch.nbytes
        if rows >= _SPLIT_ROWS or size >= _SPLIT_BYTES:
            yield pa.Table.from_batches(held).combine_chunks()
            held, rows, size = [], 0, 0
    if held:
        yield pa.Table.from_batches(held).combine_chunks()
