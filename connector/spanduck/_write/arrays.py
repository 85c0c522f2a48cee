"""Between Arrow and NumPy without a copy, and without pandas.

`pyarrow.array`, `pyarrow.scalar`, `to_numpy` and plain numbers as arguments of kernels make pyarrow
import pandas to look at them: most of a second and 50 MB, in a program that may need it for nothing
else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

Int64s: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
Bools: TypeAlias = np.ndarray[tuple[int], np.dtype[np.bool_]]


def to_arrow(numbers: Int64s, *, is_valid: Bools | None = None) -> pa.Array:
    """Wrap numbers as an int64 array, null where they are not valid."""
    validity = None if is_valid is None else pa.py_buffer(np.packbits(is_valid, bitorder="little"))
    return pa.Array.from_buffers(pa.int64(), len(numbers), [validity, pa.py_buffer(numbers)])


def mask_of(is_wanted: Bools) -> pa.Array:
    """Pack truths as a boolean array, to filter by."""
    packed = pa.py_buffer(np.packbits(is_wanted, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(is_wanted), [None, packed])


def texts(values: Sequence[str]) -> pa.Array:
    """Return texts as a string array."""
    encoded = [value.encode() for value in values]
    offsets = np.zeros(len(values) + 1, dtype=np.int32)
    np.cumsum([len(value) for value in encoded], out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(values), buffers)


def constant(value: str, length: int) -> pa.Array:
    """Return a string array of the same text throughout."""
    return pa.repeat(texts([value])[0], length)


def to_numpy(array: pa.Array) -> Int64s:
    """View an integer or boolean array without nulls as 64-bit numbers."""
    wide = array.cast(pa.int64())
    return np.frombuffer(wide.buffers()[1], dtype=np.int64)[wide.offset :][: len(wide)]
