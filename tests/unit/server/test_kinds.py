from __future__ import annotations

import pyarrow as pa
import pytest

from spanduck.server.errors import RequestError
from spanduck.server.kinds import Encoding, Kind, incoming_kind


@pytest.mark.parametrize(
    ("wire", "kind", "encoding"),
    [
        (pa.null(), None, Encoding.PLAIN),
        (pa.bool_(), Kind.BOOL, Encoding.PLAIN),
        (pa.int8(), Kind.INT64, Encoding.PLAIN),
        (pa.uint64(), Kind.INT64, Encoding.PLAIN),
        (pa.duration("us"), Kind.INT64, Encoding.PLAIN),
        (pa.float16(), Kind.FLOAT64, Encoding.PLAIN),
        (pa.decimal128(18, 0), Kind.INT64, Encoding.PLAIN),
        (pa.decimal128(15, 3), Kind.FLOAT64, Encoding.PLAIN),
        (pa.decimal128(16, 3), Kind.STRING, Encoding.PLAIN),
        (pa.large_string(), Kind.STRING, Encoding.PLAIN),
        (pa.timestamp("ns", "UTC"), Kind.STRING, Encoding.PLAIN),
        (pa.time64("us"), Kind.STRING, Encoding.PLAIN),
        (pa.binary(), Kind.STRING, Encoding.BASE64),
        (pa.dictionary(pa.int8(), pa.int32()), Kind.INT64, Encoding.PLAIN),
        (pa.run_end_encoded(pa.int32(), pa.string()), Kind.STRING, Encoding.PLAIN),
        (pa.list_(pa.string()), Kind.STRING_LIST, Encoding.PLAIN),
        (pa.list_(pa.dictionary(pa.int8(), pa.string())), Kind.STRING_LIST, Encoding.PLAIN),
        (pa.list_(pa.null()), Kind.STRING_LIST, Encoding.PLAIN),
        (pa.list_(pa.int64()), Kind.JSON, Encoding.TO_JSON),
        (pa.struct([("a", pa.string())]), Kind.JSON, Encoding.TO_JSON),
        (pa.map_(pa.string(), pa.string()), Kind.JSON, Encoding.TO_JSON),
        (pa.json_(), Kind.JSON, Encoding.PLAIN),
        (pa.uuid(), Kind.STRING, Encoding.PLAIN),
    ],
    ids=str,
)
def test_each_type_has_a_kind(wire: pa.DataType, kind: Kind | None, encoding: Encoding) -> None:
    incoming = incoming_kind(pa.field("attributes.x", wire))
    assert (incoming.kind, incoming.encoding) == (kind, encoding)


@pytest.mark.parametrize(
    "wire",
    [
        pa.decimal256(40, 1),
        pa.month_day_nano_interval(),
        pa.dense_union([pa.field("a", pa.int8())]),
        pa.list_(pa.decimal256(40, 1)),
        pa.struct([("a", pa.list_(pa.month_day_nano_interval()))]),
        pa.dictionary(pa.int8(), pa.decimal256(40, 1)),
        pa.fixed_shape_tensor(pa.int8(), [2]),
    ],
    ids=str,
)
def test_impossible_types_are_named(wire: pa.DataType) -> None:
    with pytest.raises(RequestError, match=r"'attributes\.x' has the type .+ cannot be stored"):
        incoming_kind(pa.field("attributes.x", wire))


def test_conversions_keep_nulls_and_whole_values() -> None:
    stamps = pa.array([1_700_000_000_123_456_789, None], pa.timestamp("ns", "America/New_York"))
    incoming = incoming_kind(pa.field("x", stamps.type))
    assert incoming.convert is not None
    assert incoming.convert(stamps).to_pylist() == ["2023-11-14T22:13:20.123456789Z", None]
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array([1.5]))
    incoming = incoming_kind(pa.field("x", runs.type))
    assert incoming.convert is not None
    assert incoming.convert(runs).to_pylist() == [1.5, 1.5]
