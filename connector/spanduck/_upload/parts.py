"""Batches as files of Arrow IPC streams, each small enough for one call."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from spanduck._upload.prepare import cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PART_ROWS: Final = 100_000
PART_BYTES: Final = 500_000_000
"""Most rows and bytes of one call; its file is as large.

The service's limit is unknown, and the vendor's client has none: it sends everything as one call.
Spans of the usual two kilobytes reach the rows first, because an odd remainder costs a store more
than its share.
"""

# Below the 256 MiB at which the vendor's client cuts the batches of a write-back.
_BATCH_BYTES: Final = 200_000_000


@dataclass(frozen=True)
class Part:
    """A file with the body of one call.

    Attributes:
        path: The file.
        rows: Spans in it, before evaluations were joined to them.
        first_row: Number of its first span within all the data.
    """

    path: Path
    rows: int
    first_row: int


@contextlib.contextmanager
def scratch(tmp_dir: str) -> Iterator[Scratch]:
    """Give names of files for parts, and remove what was written when the context ends.

    Args:
        tmp_dir: Empty for a folder of our own; or a folder, of which only our files are removed;
            or the name of a file, which is kept: the first part goes there, further ones beside
            it with a number added.
    """
    given = Path(tmp_dir) if tmp_dir else None
    if given is not None and not given.is_dir():
        yield Scratch(given.parent, given)
        return
    with tempfile.TemporaryDirectory(prefix="spanduck-", dir=given) as folder:
        yield Scratch(Path(folder), None)


class Scratch:
    def __init__(self, folder: Path, named: Path | None) -> None:
        self._folder = folder
        self._named = named
        self._made = 0

    def path(self) -> Path:
        """Return the name of another file."""
        self._made += 1
        if self._named is None:
            return self._folder / f"part-{self._made}.arrow"
        if self._made == 1:
            return self._named
        return self._named.with_name(f"{self._named.name}.{self._made}")

    def discard(self, part: Part) -> None:
        """Remove the file of a part that was sent, unless the caller named it."""
        if self._named is None:
            part.path.unlink(missing_ok=True)


def write_parts(
    batches: Iterable[tuple[pa.RecordBatch, int]],
    schema: pa.Schema,
    *,
    scratch: Scratch,
    batch_rows: int,
    first_row: int = 0,
) -> Iterator[Part]:
    """Write batches to files, one a part, and yield each part when it is complete.

    Nothing is read ahead: the next batch is taken when the part before was taken by the caller.
    Without any batch there is one part of no rows, which carries the schema; none where there were
    rows before.

    Args:
        batches: Each with the spans it stands for, which evaluations may have repeated.
        schema: Of the batches, with the metadata of the upload.
        scratch: Names of the files.
        batch_rows: Most rows of a record batch.
        first_row: Number of the first span within all the data.
    """
    writer: _PartWriter | None = None
    is_empty = True
    try:
        for piece, spans in _pieces(batches, batch_rows):
            if writer is not None and not writer.takes(piece):
                part, writer = writer.close(), None
                first_row += part.rows
                yield part
            if writer is None:
                writer, is_empty = _PartWriter(scratch.path(), schema, first_row), False
            writer.write(piece, spans)
        if is_empty and not first_row:
            writer = _PartWriter(scratch.path(), schema, first_row)
        if writer is not None:
            part, writer = writer.close(), None
            yield part
    finally:
        if writer is not None:
            writer.close()


def _pieces(
    batches: Iterable[tuple[pa.RecordBatch, int]], batch_rows: int
) -> Iterator[tuple[pa.RecordBatch, int]]:
    rows, size_bytes = min(batch_rows, PART_ROWS), min(_BATCH_BYTES, PART_BYTES)
    for batch, spans in batches:
        spans_left = spans
        for piece in cut(batch, rows=rows, size_bytes=size_bytes):
            counted = min(piece.num_rows, spans_left)
            yield piece, counted
            spans_left -= counted


class _PartWriter:
    def __init__(self, path: Path, schema: pa.Schema, first_row: int) -> None:
        self._path = path
        self._first_row = first_row
        self._rows = 0
        self._bytes = 0
        self._sink = pa.OSFile(str(path), "wb")
        self._stream = pa.ipc.new_stream(self._sink, schema)

    def takes(self, batch: pa.RecordBatch) -> bool:
        return bool(
            self._rows + batch.num_rows <= PART_ROWS and self._bytes + batch.nbytes <= PART_BYTES
        )

    def write(self, batch: pa.RecordBatch, spans: int) -> None:
        # Columns without metadata of their own may go under a schema with the upload's.
        self._stream.write_batch(batch.replace_schema_metadata(None))
        self._rows += spans
        self._bytes += batch.nbytes

    def close(self) -> Part:
        self._stream.close()
        self._sink.close()
        return Part(self._path, self._rows, self._first_row)
