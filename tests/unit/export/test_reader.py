from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from spanduck._export.reader import ExportReader

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN = pa.schema([("n", pa.int64()), ("l", pa.list_(pa.string()))])
CODED = pa.schema([("n", pa.int64()), ("d", pa.dictionary(pa.int32(), pa.string()))])


def batches(schema: pa.Schema, count: int, *, fail_at: int = -1) -> Iterator[pa.RecordBatch]:
    for number in range(count):
        if number == fail_at:
            raise LookupError("the export broke")
        second = (
            pa.array([["a", None], None, []], pa.list_(pa.string()))
            if schema is PLAIN
            else pa.array(["x", f"{number}", None]).dictionary_encode()
        )
        yield pa.record_batch([pa.array([number, None, 3]), second], schema)


@pytest.fixture
def closed() -> list[str]:
    return []


@pytest.mark.parametrize("schema", [PLAIN, CODED], ids=["plain", "dictionary"])
def test_every_batch_arrives_as_it_was(schema: pa.Schema, closed: list[str]) -> None:
    reader = ExportReader(schema, batches(schema, 5), lambda: closed.append("x"))
    assert isinstance(reader, pa.RecordBatchReader)
    assert reader.schema == schema
    given = list(batches(schema, 5))
    assert [batch.to_pylist() for batch in reader] == [batch.to_pylist() for batch in given]
    assert closed == ["x"]


def test_metadata_of_fields_arrives() -> None:
    schema = pa.schema([pa.field("n", pa.int64(), metadata={b"k": b"v"})])
    reader = ExportReader(schema, iter(()), lambda: None)
    assert reader.schema.field("n").metadata == {b"k": b"v"}
    assert reader.read_all().num_rows == 0


def test_closing_ends_it_once(closed: list[str]) -> None:
    reader = ExportReader(PLAIN, batches(PLAIN, 5), lambda: closed.append("x"))
    reader.read_next_batch()
    reader.close()
    reader.close()
    assert closed == ["x"]
    with pytest.raises(pa.ArrowInvalid, match="closed"):
        reader.read_next_batch()


def test_a_with_block_ends_it(closed: list[str]) -> None:
    with ExportReader(PLAIN, batches(PLAIN, 5), lambda: closed.append("x")) as reader:
        reader.read_next_batch()
    assert closed == ["x"]


@pytest.mark.parametrize("is_started", [False, True])
def test_garbage_ends_it(closed: list[str], is_started: bool) -> None:
    reader = ExportReader(PLAIN, batches(PLAIN, 5), lambda: closed.append("x"))
    if is_started:
        reader.read_next_batch()
    del reader
    gc.collect()
    assert closed == ["x"]


@pytest.mark.parametrize("schema", [PLAIN, CODED], ids=["plain", "dictionary"])
def test_an_error_is_raised_as_it_is_and_ends_it(schema: pa.Schema, closed: list[str]) -> None:
    reader = ExportReader(schema, batches(schema, 5, fail_at=2), lambda: closed.append("x"))
    reader.read_next_batch()
    reader.read_next_batch()
    with pytest.raises(LookupError, match="the export broke"):
        reader.read_next_batch()
    assert closed == ["x"]


def test_only_what_is_read_is_taken() -> None:
    taken = []

    def source() -> Iterator[pa.RecordBatch]:
        for batch in batches(PLAIN, 5):
            taken.append(batch)
            yield batch

    reader = ExportReader(PLAIN, source(), lambda: None)
    assert taken == []
    reader.read_next_batch()
    assert len(taken) == 1


def test_consumers_of_the_c_stream_get_it() -> None:
    reader = ExportReader(PLAIN, batches(PLAIN, 5), lambda: None)
    assert pa.RecordBatchReader.from_stream(reader).read_all().num_rows == 15
