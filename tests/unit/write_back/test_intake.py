"""What the threads behind a model that is read leave behind, also where they fail."""

from __future__ import annotations

import contextlib
import resource
import tempfile
import threading
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from spanduck._write_back.ledger import Ledger
from spanduck._write_back.values import QUICK_SCHEMA, VALUE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 20_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def long_values() -> pa.Table:
    """Values of twenty megabytes, each with the number of its row as its quick numbers."""
    numbers = range(ROWS)
    columns: dict[str, Any] = dict.fromkeys(VALUE_SCHEMA.names, [None] * ROWS)
    columns |= {
        "row": numbers,
        "span_id": [f"span-{number}" for number in numbers],
        "name": ["Q"] * ROWS,
        "label": ["x"] * ROWS,
        "body": ["why" * 300] * ROWS,
        "quick_key": numbers,
        "quick_value": numbers,
    }
    return pa.table(columns, schema=pa.schema([*VALUE_SCHEMA, *QUICK_SCHEMA]))


def everything(first: int, last: int) -> pa.Table:
    numbers = [number for number in range(ROWS) if first <= number <= last]
    return pa.table({"quick_key": numbers, "quick_value": numbers}, schema=QUICK_SCHEMA)


@contextlib.contextmanager
def room_for(size_bytes: int) -> Iterator[None]:
    """Have every file end at a size, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def threads() -> set[str]:
    return {thread.name.rstrip("_0") for thread in threading.enumerate()} & {
        "spanduck-look-up",
        "spanduck-intake",
    }


def test_a_full_disk_is_told_once_and_leaves_nothing(folder: Path, long_values: pa.Table) -> None:
    with Ledger() as ledger:
        ledger.expect(everything, ROWS)
        with room_for(4 << 20):
            ledger.add(long_values)
            with pytest.raises(OSError, match="File too large"):
                ledger.settle()
            ledger.close()
        assert ledger.is_closed
    assert not list(folder.iterdir())
    assert not threads()


def test_the_threads_end_with_the_values(folder: Path, long_values: pa.Table) -> None:
    with Ledger() as ledger:
        ledger.expect(everything, ROWS)
        ledger.add(long_values)
        assert threads()
        ledger.settle()
        assert not threads()
        assert ledger.counts()["unchanged"] == ROWS
        assert sum(batch.num_rows for batch in ledger.outcomes(all_values=True)) == ROWS
    assert not list(folder.iterdir())


def test_known_values_that_cannot_be_read_are_told_once(
    folder: Path, long_values: pa.Table
) -> None:
    def fail(first: int, last: int) -> pa.Table:
        raise OSError(f"nothing from {first} to {last}")

    with Ledger() as ledger:
        ledger.expect(fail, ROWS)
        with pytest.raises(OSError, match="nothing from 0"):
            ledger.add(long_values)
    assert not list(folder.iterdir())
    assert not threads()


def test_outcomes_that_could_not_be_told_are_told_in_full_the_next_time(
    folder: Path, long_values: pa.Table
) -> None:
    with Ledger() as ledger:
        ledger.expect(everything, ROWS)
        ledger.add(long_values)
        ledger.settle()
        (kept,) = folder.glob("*/aside.arrows")
        whole = kept.read_bytes()
        kept.write_bytes(whole[: len(whole) // 2])
        with pytest.raises((pa.ArrowException, OSError)):
            list(ledger.outcomes(all_values=True))
        kept.write_bytes(whole)
        assert sum(batch.num_rows for batch in ledger.outcomes(all_values=True)) == ROWS
