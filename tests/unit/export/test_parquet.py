from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spanduck._export.parquet import write_parquet
from spanduck._export.replacing import check_target
from spanduck.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = pa.schema([("n", pa.int64()), ("l", pa.list_(pa.string())), ("none", pa.null())])


def batches(count: int, *, fail: bool = False) -> Iterator[pa.RecordBatch]:
    for number in range(count):
        yield pa.record_batch([pa.array([number]), pa.array([["a"]]), pa.nulls(1)], SCHEMA)
    if fail:
        raise LookupError


def test_all_rows_are_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    assert write_parquet(path, SCHEMA, batches(5)) == 5
    assert pq.read_table(path).column("n").to_pylist() == [0, 1, 2, 3, 4]
    metadata = pq.read_metadata(path)
    assert metadata.num_row_groups == 1
    assert metadata.row_group(0).column(0).compression == "ZSTD"
    assert list(tmp_path.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) & 0o044


def test_until_it_is_complete_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_text("old")
    with pytest.raises(LookupError):
        write_parquet(path, SCHEMA, batches(5, fail=True))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_no_rows_make_a_file_with_the_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    assert write_parquet(path, SCHEMA, batches(0)) == 0
    assert pq.read_schema(path).names == ["n", "l", "none"]


def test_impossible_places_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        check_target(tmp_path / "nowhere" / "x.parquet")
    with pytest.raises(ConfigError, match="is a folder"):
        check_target(tmp_path)
