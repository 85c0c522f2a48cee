"""Errors of ours on their way through an Arrow stream to whoever reads it.

pyarrow's exported stream keeps a Python exception with its traceback, and puts both into the error
that the engine shows: forty lines of our source before one of SQL, and frames that stay alive until
the interpreter ends, with the user's connection in them. So an error is raised without a frame.
(Callbacks of our own by ctypes would say just what we want, and cannot: Ctrl-C that arrives as one
begins is raised before its first line, where nothing can catch it, and the engine reads garbage.)
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def reporting(
    reader: pa.RecordBatchReader, reported: Callable[[Exception], Exception]
) -> pa.RecordBatchReader:
    """Return `reader` with each of its errors replaced by what `reported` makes of it.

    `reader` is let go of with the one returned.
    """
    failure: list[Exception] = []
    # Throwing into a generator that has ended raises just that, from C code. The list is looked at
    # when the batches have ended, and is empty when they ended well.
    ended = (_ for _ in ())
    next(ended, None)
    batches = itertools.chain(_until(reader, reported, failure), map(ended.throw, failure))
    return pa.RecordBatchReader.from_batches(reader.schema, batches)


def _until(
    reader: pa.RecordBatchReader,
    reported: Callable[[Exception], Exception],
    failure: list[Exception],
) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    except Exception as exc:  # noqa: BLE001 - raised again by the other half of the chain
        failure.append(without_frames(reported(exc)))


def without_frames(exc: Exception) -> Exception:
    """Return `exc` without traceback and cause, which would keep the caller's frames alive."""
    exc.__cause__ = exc.__context__ = None
    return exc.with_traceback(None)
