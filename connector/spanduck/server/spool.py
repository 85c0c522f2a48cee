"""A body that was received into a file: an Arrow IPC stream that can be read several times.

Nothing here holds more than one record batch, however large the body is.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from spanduck.server.errors import RequestError
from spanduck.server.kinds import IncomingKind, incoming_kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# Batches are cut to this many rows: what DuckDB is handed at once bounds the memory of a call whose
# client sent all of its rows in one batch.
SLICE_ROWS: Final = 10_000


@dataclass(frozen=True)
class IncomingColumn:
    """A column of the body.

    Attributes:
        index: Its place in the body's schema.
        logical: Its name on the wire.
        incoming: How it is stored.
    """

    index: int
    logical: str
    incoming: IncomingKind

    @property
    def alias(self) -> str:
        """Its name in the readers made here: names on the wire may differ only by case."""
        return f"i{self.index}"


@dataclass(frozen=True)
class Spool:
    """A received body.

    Attributes:
        path: The file.
        schema: The schema at its head.
    """

    path: Path
    schema: pa.Schema

    @classmethod
    def open(cls, path: Path) -> Spool:
        """Read the schema of a body.

        Raises:
            RequestError: The file does not begin with an Arrow schema, or a name occurs twice.
        """
        with _reading(path) as reader:
            schema = reader.schema
        name, times = max(Counter(schema.names).items(), key=itemgetter(1), default=("", 0))
        if times > 1:
            raise RequestError(f"the column {name!r} occurs {times} times in the upload")
        return cls(path, schema)

    def column(self, name: str) -> IncomingColumn:
        """Return the column called `name`, which exists.

        Raises:
            RequestError: Its type cannot be stored.
        """
        index = self.schema.get_field_index(name)
        return IncomingColumn(index, name, incoming_kind(self.schema.field(index)))

    def checked_batches(self) -> Iterator[pa.RecordBatch]:
        """Yield every batch with all columns, each verified down to its offsets and its UTF-8.

        Raises:
            RequestError: The body is damaged or ends in the middle.
        """
        with _reading(self.path) as reader:
            for batch in reader:
                batch.validate(full=True)
                yield batch

    def reader(
        self,
        columns: Sequence[IncomingColumn],
        keep: pa.BooleanArray | None = None,
        *,
        sort_by: IncomingColumn | None = None,
    ) -> pa.RecordBatchReader:
        """Return a stream of some columns under their aliases, as DuckDB is to see them.

        Args:
            columns: At least one.
            keep: Whether each row of the body is wanted; None for all.
            sort_by: One of the columns, by which each batch is sorted; None for the body's order.
        """
        # The reader gives the columns in the order of the body whatever order is asked for.
        wanted = sorted(columns, key=lambda column: column.index)
        schema = pa.schema([(column.alias, column.incoming.arrow_type) for column in wanted])
        batches = self._selected(wanted, schema, keep)
        if sort_by is not None:
            batches = (batch.sort_by(sort_by.alias) for batch in batches)
        return pa.RecordBatchReader.from_batches(schema, batches)

    def _selected(
        self, columns: Sequence[IncomingColumn], schema: pa.Schema, keep: pa.BooleanArray | None
    ) -> Iterator[pa.RecordBatch]:
        row = 0
        for given in self._slices(columns):
            batch = given if keep is None else given.filter(keep.slice(row, given.num_rows))
            row += given.num_rows
            arrays = [
                convert(array) if (convert := column.incoming.convert) else array
                for column, array in zip(columns, batch.columns, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _slices(self, columns: Sequence[IncomingColumn]) -> Iterator[pa.RecordBatch]:
        with _reading(self.path, [column.index for column in columns]) as reader:
            for whole in reader:
                for start in range(0, whole.num_rows, SLICE_ROWS):
                    yield whole.slice(start, SLICE_ROWS)


@contextmanager
def _reading(
    path: Path, included: list[int] | None = None
) -> Iterator[pa.ipc.RecordBatchStreamReader]:
    options = pa.ipc.IpcReadOptions(included_fields=included, use_threads=False)
    try:
        # Not memory-mapped: mapped pages would count as this process's memory.
        with (
            pa.OSFile(str(path)) as file,
            pa.ipc.open_stream(file, options=options) as reader,
        ):
            yield reader
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as exc:
        raise RequestError(
            f"the body is not a valid Arrow IPC stream: {exc}",
            next_step="Send an Arrow IPC stream of record batches, whole and uncompressed.",
        ) from exc
