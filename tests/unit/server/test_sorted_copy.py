from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest

from spanduck.server import statements
from spanduck.server.sorted_copy import copy_in_order

if TYPE_CHECKING:
    from collections.abc import Iterator

# Rows so long that a slice takes about ten of them.
ROW_BYTES = (16 << 20) // 10 - 100


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def copied(
    con: duckdb.DuckDBPyConnection, starts: list[int | None], row_bytes: int = ROW_BYTES
) -> list[tuple[int | None, int]]:
    """The starts and numbers of the copy's rows, as they lie."""
    numbers = pa.array(range(len(starts)), pa.int64())
    given = pa.table({"start_time": pa.array(starts, pa.int64()), "number": numbers})
    con.register("given", given)
    con.execute('CREATE OR REPLACE TABLE spans AS SELECT *, number AS "Select ""x""" FROM given')
    copy_in_order(con, "spans", "copy", row_bytes=row_bytes, between_slices=lambda: None)
    rows = con.execute("SELECT start_time, number FROM copy ORDER BY rowid").fetchall()
    con.execute(statements.drop_table("copy"))
    return rows


def shuffled(starts: list[int | None]) -> list[int | None]:
    random.Random(7).shuffle(starts)
    return starts


@pytest.mark.parametrize(
    "starts",
    [
        [],
        [3],
        [None, None],
        shuffled(list(range(300))),
        shuffled([*range(-150, 150), None, None]),
        shuffled([number // 4 for number in range(300)]),
        shuffled([number // 15 for number in range(300)]),
        [5] * 100,
        shuffled([*range(95), *[50] * 300, *[51] * 300, *range(40, 60), None]),
        shuffled([*[-(2**63)] * 50, *range(30), *[2**63 - 2] * 50]),
        [*range(100), *range(50), 120, 7],
        list(range(10)),
        list(range(11)),
        list(range(21)),
    ],
    ids=lambda starts: f"{len(starts)} of {len(set(starts))}",
)
@pytest.mark.parametrize("row_bytes", [ROW_BYTES, 0])
def test_every_row_is_copied_once_and_in_order(
    con: duckdb.DuckDBPyConnection, starts: list[int | None], row_bytes: int
) -> None:
    rows = copied(con, starts, row_bytes)
    known = sorted(start for start in starts if start is not None)
    assert [start for start, _ in rows] == known + [None] * starts.count(None)
    assert Counter(rows) == Counter((start, number) for number, start in enumerate(starts))


def test_rows_of_one_start_that_fill_slices_are_copied_as_they_lie(
    con: duckdb.DuckDBPyConnection,
) -> None:
    rows = copied(con, [9, *[5] * 5_000, 1])
    assert [number for start, number in rows if start == 5] == list(range(1, 5_001))


def test_rows_that_are_longer_than_a_slice_are_copied_one_by_one(
    con: duckdb.DuckDBPyConnection,
) -> None:
    rows = copied(con, [3, 1, None, 2, 2], row_bytes=1 << 30)
    assert [start for start, _ in rows] == [1, 2, 2, 3, None]


def test_a_further_row_group_keeps_the_order(con: duckdb.DuckDBPyConnection) -> None:
    count = 150_000
    rows = copied(con, [(n * 7_919) % count for n in range(count)], row_bytes=1)
    assert [start for start, _ in rows] == list(range(count))


def test_rows_of_one_start_in_several_row_groups_are_found_by_their_row_ids(
    con: duckdb.DuckDBPyConnection,
) -> None:
    con.execute("BEGIN")
    rows = copied(con, [5] * 300_000, row_bytes=1)
    assert len(rows) == 300_000
