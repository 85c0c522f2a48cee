"""Arrow scalars made from their bytes.

`pa.scalar` and `pa.array` of Python values import pandas where it is installed, which takes longer
than the whole of a small query.
"""

from __future__ import annotations

import struct
from datetime import date, datetime, timedelta

import pyarrow as pa

_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)


def scalar(value: object, kind: pa.DataType) -> pa.Scalar:
    """Return `value` as a scalar of `kind`, one of the types a predicate may compare.

    Args:
        value: Of Python's matching type; a timestamp may be its count of microseconds.
        kind: An integer of 32 or 64 bits, a double, a boolean, text, bytes, a date or microseconds.
    """
    return array([value], kind)[0]


def array(values: list[object], kind: pa.DataType) -> pa.Array:
    """Return `values`, none of them None, as an array of `kind`; see `scalar`."""
    types = pa.types
    if types.is_string(kind) or types.is_binary(kind):
        texts = [value.encode() if isinstance(value, str) else bytes(value) for value in values]  # type: ignore[call-overload] # text or bytes by type
        offsets = [0]
        for text in texts:
            offsets.append(offsets[-1] + len(text))
        buffers = [struct.pack(f"<{len(offsets)}i", *offsets), b"".join(texts)]
        return _from_buffers(kind, len(values), buffers)
    if types.is_boolean(kind):
        bits = sum(1 << place for place, value in enumerate(values) if value)
        return _from_buffers(kind, len(values), [bits.to_bytes(len(values) // 8 + 1, "little")])
    code = {"double": "d", "uint64": "Q", "int32": "i", "date32[day]": "i"}.get(str(kind), "q")
    numbers = [_number(value) for value in values]
    return _from_buffers(kind, len(values), [struct.pack(f"<{len(values)}{code}", *numbers)])


def _number(value: object) -> object:
    # Of naive times: DuckDB's TIMESTAMP has no zone either.
    if isinstance(value, datetime):
        return (value - datetime(1970, 1, 1)) // _MICROSECOND  # noqa: DTZ001
    if isinstance(value, date):
        return (value - date(1970, 1, 1)) // _DAY
    return value


def _from_buffers(kind: pa.DataType, length: int, buffers: list[bytes]) -> pa.Array:
    return pa.Array.from_buffers(kind, length, [None, *map(pa.py_buffer, buffers)])
