"""A write-back's calls: which values each carries, and how one that is refused is cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spanduck._write.rules import BATCH_ROWS
from spanduck._write_back.kinds import METADATA_KIND
from spanduck._write_back.wire import (
    WirePiece,
    is_start,
    patch_pieces,
    patch_schema,
    wire_pieces,
    wire_schema,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from spanduck._write_back.outbox import Outbox

CALL_ROWS: Final = 100_000
CALL_BYTES: Final = 16 << 20
"""Most of one call, which is held in memory until its outcome is known."""
_CALL_BATCHES: Final = CALL_ROWS // BATCH_ROWS
"""Most full batches of a call, so that smaller batches make smaller calls."""


@dataclass(frozen=True)
class Call:
    """What one call carries.

    Attributes:
        schema: Of its batches.
        pieces: The batches, and the values in each.
    """

    schema: pa.Schema
    pieces: tuple[WirePiece, ...]

    @property
    def rows(self) -> int:
        """Rows on the wire: one a span."""
        return sum(len(piece.batch) for piece in self.pieces)

    @property
    def values(self) -> int:
        """Values in it."""
        return sum(len(piece.value_ids) for piece in self.pieces)

    @property
    def size_bytes(self) -> int:
        """Bytes of its batches."""
        return sum(int(piece.batch.nbytes) for piece in self.pieces)

    @property
    def value_ids(self) -> pa.ChunkedArray:
        """The ids of its values."""
        return pa.chunked_array([piece.value_ids for piece in self.pieces], pa.int64())

    @property
    def span_ids(self) -> pa.ChunkedArray:
        """The span of each of its values."""
        return pa.chunked_array([piece.span_ids for piece in self.pieces], pa.string())

    def halves(self) -> tuple[Call, Call]:
        """Cut it in two, of at least two rows."""
        pieces = self.pieces if len(self.pieces) > 1 else _halves(self.pieces[0])
        middle = len(pieces) // 2
        return Call(self.schema, pieces[:middle]), Call(self.schema, pieces[middle:])


def calls(
    outbox: Outbox, *, project: str, batch_rows: int, now_ms: int
) -> Generator[Call, None, None]:
    """Stream the calls that carry what is to be sent now.

    Args:
        outbox: What is to be sent.
        project: Name of the project.
        batch_rows: Most rows of a record batch.
        now_ms: When annotations are said to be from.
    """
    most_rows = batch_rows * _CALL_BATCHES
    if outbox.kind is METADATA_KIND:
        schema = patch_schema(project)
        patches = patch_pieces(outbox.patches_to_send(), schema, batch_rows=batch_rows)
        yield from _calls(schema, patches, most_rows)
        return
    groups = outbox.groups()
    # One value a span needs no sorting, and many models give a span's values one after the other.
    sort = any(len(group) > 1 for group in groups) and not outbox.is_by_span()
    for number, names in enumerate(groups):
        schema = wire_schema(project, names)
        values = outbox.to_send(number, sort=sort and len(names) > 1)
        pieces = wire_pieces(values, names, schema, batch_rows=batch_rows, now_ms=now_ms)
        yield from _calls(schema, pieces, most_rows)


def _calls(schema: pa.Schema, pieces: Iterable[WirePiece], most_rows: int) -> Iterator[Call]:
    """Group pieces into calls of at most `most_rows` rows and about `CALL_BYTES`."""
    call: list[WirePiece] = []
    rows = size = 0
    for piece in pieces:
        length, nbytes = len(piece.batch), piece.batch.nbytes
        if call and (rows + length > most_rows or size + nbytes > CALL_BYTES):
            yield Call(schema, tuple(call))
            call, rows, size = [], 0, 0
        call.append(piece)
        rows += length
        size += nbytes
    if call:
        yield Call(schema, tuple(call))


def _halves(piece: WirePiece) -> tuple[WirePiece, WirePiece]:
    middle = len(piece.batch) // 2
    # The values of a span follow each other, in the order of the rows.
    at = int(np.flatnonzero(is_start(piece.span_ids))[middle])
    return (
        WirePiece(piece.batch.slice(0, middle), piece.value_ids[:at], piece.span_ids[:at]),
        WirePiece(piece.batch.slice(middle), piece.value_ids[at:], piece.span_ids[at:]),
    )


def without(entries: pa.Table, value_ids: pa.ChunkedArray) -> pa.Table:
    """Return the entries that are not of some values."""
    if not len(value_ids):
        return entries
    gone = pc.is_in(entries.column("value_id"), value_set=value_ids.combine_chunks())
    return entries.filter(pc.invert(gone))
