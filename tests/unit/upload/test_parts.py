from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from spanduck._upload import parts
from spanduck._upload.parts import Part, scratch, write_parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = pa.schema([("n", pa.int64()), ("t", pa.string())])


def batches(*sizes: int, width: int = 10) -> Iterator[tuple[pa.RecordBatch, int]]:
    first = 0
    for size in sizes:
        numbers = range(first, first + size)
        yield pa.record_batch([pa.array(numbers), pa.array(["x" * width] * size)], SCHEMA), size
        first += size


def read(part: Part) -> pa.Table:
    return pa.ipc.open_stream(part.path.read_bytes()).read_all()


def test_rows_are_cut_into_parts_and_batches_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART_ROWS", 100)
    with scratch(str(tmp_path)) as files:
        made = list(write_parts(batches(95, 130, 7), SCHEMA, scratch=files, batch_rows=30))
        assert [(part.first_row, part.rows) for part in made] == [(0, 95), (95, 90), (185, 47)]
        tables = [read(part) for part in made]
    assert pa.concat_tables(tables).column("n").to_pylist() == list(range(232))
    assert all(batch.num_rows <= 30 for table in tables for batch in table.to_batches())
    assert list(tmp_path.iterdir()) == []


def test_bytes_are_bounded_but_a_row_is_never_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART_BYTES", 10_000)
    with scratch(str(tmp_path)) as files:
        given = [*batches(40, width=1_000), *batches(2, width=50_000)]
        made = list(write_parts(iter(given), SCHEMA, scratch=files, batch_rows=1_000))
        assert sum(part.rows for part in made) == 42
        assert [part.rows for part in made[-2:]] == [1, 1]
        assert all(part.path.stat().st_size < 12_000 for part in made[:-2])


def test_without_rows_there_is_one_part_with_the_schema() -> None:
    with scratch("") as files:
        [part] = write_parts(iter(()), SCHEMA, scratch=files, batch_rows=10)
        assert part.rows == 0
        assert read(part).schema == SCHEMA


def test_rows_before_are_counted_and_need_no_part_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts, "PART_ROWS", 100)
    with scratch("") as files:
        made = write_parts(batches(150), SCHEMA, scratch=files, batch_rows=100, first_row=300)
        assert [(part.first_row, part.rows) for part in made] == [(300, 100), (400, 50)]
        none = write_parts(iter(()), SCHEMA, scratch=files, batch_rows=100, first_row=300)
        assert list(none) == []


def test_nothing_is_read_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_ROWS", 10)
    taken = []

    def source() -> Iterator[tuple[pa.RecordBatch, int]]:
        for item in batches(10, 10, 10):
            taken.append(item)
            yield item

    with scratch("") as files:
        made = write_parts(source(), SCHEMA, scratch=files, batch_rows=10)
        part = next(made)
        assert len(taken) == 2
        files.discard(part)
        assert not part.path.exists()


def test_the_metadata_of_the_schema_goes_along() -> None:
    schema = SCHEMA.with_metadata({b"arize-schema": b"x"})
    with scratch("") as files:
        [part] = write_parts(batches(1), schema, scratch=files, batch_rows=10)
        assert read(part).schema.metadata == {b"arize-schema": b"x"}


def test_a_named_file_is_kept_and_further_parts_lie_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART_ROWS", 10)
    with scratch(str(tmp_path / "x.arrow")) as files:
        made = list(write_parts(batches(25), SCHEMA, scratch=files, batch_rows=10))
        for part in made:
            files.discard(part)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.arrow", "x.arrow.2", "x.arrow.3"]


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def source() -> Iterator[tuple[pa.RecordBatch, int]]:
        yield from batches(5)
        raise KeyError("the source broke")

    with pytest.raises(KeyError), scratch(str(tmp_path)) as files:
        list(write_parts(source(), SCHEMA, scratch=files, batch_rows=10))
    assert list(tmp_path.iterdir()) == []
