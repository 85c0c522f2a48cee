"""What the service is known to hold, as quick numbers that are found without a database.

They lie sorted in files, so they take no more memory than the system has to spare.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

    from spanduck._write.arrays import Bools, Int64s

UInt64s: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint64]]
Reader: TypeAlias = "Callable[[int, int], pa.Table]"

_NOTHING: Final = np.zeros(0, np.uint64)
_END: Final = 1 << 64
_PORTION: Final = 1_000_000
"""Numbers that are sorted at a time, by some 50 bytes each."""


class Known:
    """Quick numbers of known values. Not for several threads at once.

    Args:
        read: Returns (quick_key, quick_value) of the keys from a first to a last one.
        count: About how many there are in all.
        path: Where files of them are made, beside it; nothing but this uses them.
    """

    def __init__(self, read: Reader, count: int, path: Path) -> None:
        paths = [path.with_suffix(suffix) for suffix in (".keys", ".values")]
        portions = max(1, -(-count // _PORTION))
        found = 0
        with paths[0].open("wb") as keys, paths[1].open("wb") as values:
            # Keys are hashes, so as many of them lie in each range of the same length.
            for first, end in pairwise(_END * part // portions for part in range(portions + 1)):
                key, value = (numbers(column) for column in read(first, end - 1).columns)
                order = np.argsort(key)
                key[order].tofile(keys)
                value[order].tofile(values)
                found += len(key)
        self._keys, self._values = (_mapped(path, found) for path in paths)
        self._is_seen = np.zeros(found, dtype=np.bool_)
        self._repeated: list[UInt64s] = []

    @property
    def repeated(self) -> UInt64s:
        """The known keys that were looked up more than once, whatever was said under them."""
        return np.unique(np.concatenate([_NOTHING, *self._repeated]))

    def look_up(self, keys: UInt64s, values: UInt64s) -> Bools:
        """Return which of some values are known as they are.

        Args:
            keys: Their quick keys.
            values: Their quick values, in the same order.
        """
        is_known = np.zeros(len(keys), dtype=np.bool_)
        if not len(self._keys):
            return is_known
        # In order, each lies near the one before: a fifth of the time that it takes as they come.
        order = np.argsort(keys)
        keys = keys[order]
        places = np.searchsorted(self._keys, keys)
        np.minimum(places, len(self._keys) - 1, out=places)
        is_there = self._keys[places] == keys
        is_known[order] = is_there & (self._values[places] == values[order])
        self._note_repeated(keys[is_there], places[is_there])
        return is_known

    def _note_repeated(self, keys: UInt64s, places: Int64s) -> None:
        is_again = self._is_seen[places]
        is_again[1:] |= places[1:] == places[:-1]
        if is_again.any():
            self._repeated.append(keys[is_again])
        self._is_seen[places] = True


def numbers(column: pa.ChunkedArray) -> UInt64s:
    """View a column of uint64 without nulls as numbers."""
    # Of nothing, pyarrow would import pandas to combine it.
    if not len(column):
        return _NOTHING
    array = column.combine_chunks()
    return np.frombuffer(array.buffers()[1], dtype=np.uint64)[array.offset :][: len(array)]


def repeated(keys: UInt64s) -> UInt64s:
    """Return which keys there are more than once, each once."""
    ordered = np.sort(keys)
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def _mapped(path: Path, count: int) -> UInt64s:
    # An empty file cannot be mapped.
    if not count:
        return _NOTHING
    return np.memmap(path, dtype=np.uint64, mode="r", shape=(count,))
