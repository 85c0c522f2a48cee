"""Values put aside in a file: most of them are seldom looked at again."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_PART_BATCHES: Final = 60


class Aside:
    """An Arrow stream in a file: first everything is put there, then it is read, once or more.

    Args:
        path: The file; made when there is anything to put into it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pa.RecordBatchStreamWriter | None = None

    def put(self, values: pa.Table) -> None:
        """Put values there, after those before them and of the same columns."""
        if self._writer is None:
            self._writer = pa.ipc.new_stream(str(self._path), values.schema)
        self._writer.write_table(values)

    def finish(self) -> None:
        """Put nothing there any more. Idempotent."""
        if self._writer is not None:
            self._writer.close()

    def tables(self) -> Iterator[pa.Table]:
        """Stream what was put there, in its order, in parts of some tens of batches."""
        if self._writer is not None:
            with pa.OSFile(str(self._path)) as file, pa.ipc.open_stream(file) as reader:
                batches = iter(reader)
                while part := list(islice(batches, _PART_BATCHES)):
                    yield pa.Table.from_batches(part)
