"""An export as a Parquet file that is there when it is complete, or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import pyarrow as pa

from spanduck.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import RawIOBase

_GROUP_ROWS: Final = 100_000
_GROUP_BYTES: Final = 32 << 20


def check_target(path: Path) -> None:
    """Refuse a path that nothing can be written to, before anything is asked of the service.

    Raises:
        ConfigError: Its folder is not there, or it is a folder.
    """
    if not path.parent.is_dir():
        raise ConfigError(
            f"the folder {str(path.parent)!r} does not exist", next_step="Create it first."
        )
    if path.is_dir():
        raise ConfigError(f"{str(path)!r} is a folder", next_step="Name a file in it.")


def write_parquet(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Write batches to a Parquet file, zstd-compressed, and return the number of rows.

    The file gets its name when it is complete; until then it has a temporary one in the same
    folder, which is removed should anything fail. A row group holds up to 100,000 rows or 32 MiB,
    which is what is in memory.

    Raises:
        ConfigError: The file cannot be written.
    """
    descriptor, name = _temporary(path)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            rows = write_groups(file, schema, batches)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    return rows


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


def _temporary(path: Path) -> tuple[int, str]:
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    except OSError as exc:
        raise ConfigError(f"cannot write to {str(path.parent)!r}: {exc.strerror}") from exc
    # A temporary file is private; the one it becomes has the permissions of any new file.
    mask = os.umask(0)
    os.umask(mask)
    os.fchmod(descriptor, 0o666 & ~mask)
    return descriptor, name


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
