"""The values of a long frame on their way to wide calls: in files, brought together by span."""

from __future__ import annotations

import contextlib
import tempfile
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from spanduck._upload.kernels import Kernels
from spanduck._upload.values.long import SPAN, LongRows
from spanduck._upload.values.pivot import wide_rows, without_repeated
from spanduck._write.partition import by_span
from spanduck._write.rules import NAMES_PER_CALL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from spanduck._upload.problems import Problems
    from spanduck._upload.values.check import ValueChecks
    from spanduck._upload.values.long import LongFrame

_ONE_BUCKET_ROWS: Final = 20_000
"""Up to here all values are sorted at once."""
_BUCKETS: Final = 128
"""Each is an open file, and then held in memory: a few megabytes of a million values."""


class LongValues:
    """The values of a long frame, checked and by span; a context manager that owns their file.

    Entering it reads the frame to its end, with a few batches and one part of the spans in memory.

    Args:
        frame: Its columns.
        reader: Its rows; used up.
        problems: Where rows are noted that cannot be sent.
        checks: The rules of values. None to look at none; then values that a span has twice are
            all sent, in their order.

    Attributes:
        rows: What the rows name.
    """

    def __init__(
        self,
        frame: LongFrame,
        reader: pa.RecordBatchReader,
        problems: Problems,
        checks: ValueChecks | None,
    ) -> None:
        self.rows = LongRows(frame, problems)
        self._reader = reader
        self._problems = problems
        self._checks = checks
        self._files = contextlib.ExitStack()
        self._path = Path()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="spanduck-")))
            self._path = folder / "values.arrow"
            self._settle(folder)
            self._files = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._files.close()

    def groups(self) -> list[list[int]]:
        """Return the names that share calls, by their numbers, without names of empty rows."""
        said = [number for number, slot in enumerate(self.rows.slots) if slot.fields]
        return [
            said[start : start + NAMES_PER_CALL] for start in range(0, len(said), NAMES_PER_CALL)
        ]

    def wide(self, slots: list[int], now_ms: int) -> Iterator[pa.RecordBatch]:
        """Yield the values of some names as wide rows, in no order; see `wide_rows`."""
        with pa.OSFile(str(self._path)) as file, pa.ipc.open_stream(file) as values:
            for batch in values:
                yield wide_rows(batch, slots, self.rows, now_ms)

    def _settle(self, folder: Path) -> None:
        schema = self.rows.frame.schema()
        with (
            Kernels() as kernels,
            pa.OSFile(str(self._path), "wb") as file,
            pa.ipc.new_stream(file, schema) as writer,
        ):
            for batch in self._by_span(kernels, folder):
                values = batch.select(schema.names)
                if self._checks is not None:
                    values = without_repeated(values, self.rows, self._problems)
                writer.write_batch(values)

    def _by_span(self, kernels: Kernels, folder: Path) -> Iterator[pa.RecordBatch]:
        values = self._read()
        first: list[pa.RecordBatch] = []
        rows = 0
        for batch in values:
            first.append(batch)
            rows += len(batch)
            if rows > _ONE_BUCKET_ROWS:
                break
        buckets = 1 if rows <= _ONE_BUCKET_ROWS else _BUCKETS
        numbered = (_with_bucket(batch, buckets, kernels) for batch in chain(first, values))
        return by_span(numbered, buckets, folder)

    def _read(self) -> Iterator[pa.RecordBatch]:
        first_row = 0
        for batch in self._reader:
            yield self.rows.read(batch, first_row, self._checks)
            first_row += len(batch)


def _with_bucket(batch: pa.RecordBatch, buckets: int, kernels: Kernels) -> pa.RecordBatch:
    return batch.append_column("bucket", kernels.column("span_bucket", batch.column(SPAN), buckets))
