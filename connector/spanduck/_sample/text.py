"""Columns of text put together by Arrow kernels: pools, joins, JSON quoting, hexadecimal ids."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanduck._sample.shapes import Ints

_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_MASK_64 = (1 << 64) - 1


def pick(pool: pa.Array, index: Ints) -> pa.Array:
    """Take one text of the pool for each index; a negative index gives null."""
    if len(index) and index.min() < 0:
        return pool.take(pa.array(index, mask=index < 0))
    return pool.take(pa.array(index))


def join(*parts: pa.Array | str) -> pa.Array:
    """Join texts element by element; null where one is null. At least one part is a column."""
    return pc.binary_join_element_wise(*parts, "")


def quoted(texts: pa.Array) -> pa.Array:
    """Turn texts into JSON strings with quotes. They hold no control character but newline."""
    escaped = pc.replace_substring(texts, "\\", "\\\\")
    escaped = pc.replace_substring(escaped, '"', '\\"')
    return join('"', pc.replace_substring(escaped, "\n", "\\n"), '"')


def numbers(values: npt.NDArray[np.float64] | Ints, places: int = 0) -> pa.Array:
    """Render numbers as JSON text."""
    rounded = np.round(values, places) if places else values
    return pc.cast(pa.array(rounded), pa.string())


def timestamps(ns: Ints) -> pa.Array:
    """Render nanoseconds since the epoch as ISO 8601 text in UTC with microseconds."""
    text = pc.cast(pa.array(ns // 1000, pa.timestamp("us")), pa.string())
    return join(pc.binary_replace_slice(text, 10, 11, "T"), "Z")


def hexadecimal(words: npt.NDArray[np.uint64]) -> pa.Array:
    """Render each row of 64-bit words as lower-case hexadecimal digits, 16 a word."""
    raw = np.ascontiguousarray(words.astype(">u8")).view(np.uint8).reshape(len(words), -1)
    digits = np.empty((len(words), raw.shape[1] * 2), dtype=np.uint8)
    digits[:, 0::2] = _HEX[raw >> 4]
    digits[:, 1::2] = _HEX[raw & 15]
    offsets = np.arange(len(words) + 1, dtype=np.int32) * digits.shape[1]
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(digits)]
    return pa.Array.from_buffers(pa.string(), len(words), buffers)


def mixed(*keys: Ints) -> npt.NDArray[np.uint64]:
    """Mix integer keys into well-spread 64-bit words; the same keys give the same word."""
    word = np.zeros(len(keys[0]), dtype=np.uint64)
    for key in keys:
        word = (word ^ key.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15 & _MASK_64)
        word ^= word >> np.uint64(29)
        word *= np.uint64(0xBF58476D1CE4E5B9 & _MASK_64)
        word ^= word >> np.uint64(32)
    return word


def numbered(prefix: str, values: Ints, width: int) -> pa.Array:
    """Give `prefix` and the zero-padded number."""
    return join(prefix, pc.utf8_lpad(pc.cast(pa.array(values), pa.string()), width, "0"))


@dataclass
class Groups:
    """Pools of several topics one behind the other, so that a topic and a number name one text."""

    texts: pa.Array
    start: Ints
    count: Ints

    @classmethod
    def of(cls, pools: Sequence[Sequence[str]]) -> Groups:
        """Lay the pools one behind the other."""
        count = np.array([len(pool) for pool in pools], dtype=np.int64)
        texts = pa.array([text for pool in pools for text in pool], pa.string())
        return cls(texts, np.cumsum(count) - count, count)

    def index(self, group: Ints, number: Ints) -> Ints:
        """Give the place of text `number` (modulo the group's size) of each group."""
        return self.start[group] + number % self.count[group]

    def pick(self, group: Ints, number: Ints) -> pa.Array:
        """Take text `number` (modulo the group's size) of each group."""
        return pick(self.texts, self.index(group, number))


@dataclass
class Pieces:
    """A column put together from values for some of the rows each; rows without one are null."""

    type: pa.DataType
    rows: list[Ints] = field(default_factory=list)
    values: list[pa.Array] = field(default_factory=list)

    def put(self, rows: Ints, values: pa.Array) -> None:
        """Set the values of these rows. A row set twice keeps the later value."""
        self.rows.append(rows)
        self.values.append(values)

    def finish(self, length: int) -> pa.Array:
        """Make the column of `length` rows."""
        if not self.rows:
            return pa.nulls(length, self.type)
        index = np.full(length, -1, dtype=np.int64)
        offset = 0
        for rows in self.rows:
            index[rows] = np.arange(offset, offset + len(rows))
            offset += len(rows)
        return pick(pa.concat_arrays(self.values), index)


@dataclass
class ListPieces:
    """A list column put together from elements, each with its row and its place in the list."""

    rows: list[Ints] = field(default_factory=list)
    places: list[Ints] = field(default_factory=list)
    values: list[pa.Array] = field(default_factory=list)

    def put(self, rows: Ints, place: int | Ints, values: pa.Array) -> None:
        """Add one element to each of these rows; lists are in the order of `place`."""
        self.rows.append(rows)
        self.places.append(np.broadcast_to(np.asarray(place, dtype=np.int64), rows.shape))
        self.values.append(values)

    def finish(self, length: int, *, is_null_when_empty: bool = True) -> pa.ListArray:
        """Make the column of `length` rows."""
        rows = np.concatenate(self.rows) if self.rows else np.zeros(0, np.int64)
        places = np.concatenate(self.places) if self.places else np.zeros(0, np.int64)
        values = pa.concat_arrays(self.values) if self.values else pa.array([], pa.string())
        counts = np.bincount(rows, minlength=length)
        offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
        mask = pa.array(counts == 0) if is_null_when_empty else None
        texts = pick(values, np.lexsort((places, rows)))
        return pa.ListArray.from_arrays(pa.array(offsets), texts, mask=mask)


def joined(lists: pa.ListArray, separator: str) -> pa.Array:
    """Join the texts of each list."""
    return pc.binary_join(lists, separator)
