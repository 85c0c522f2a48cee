from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from spanduck.server.check import Order, check
from spanduck.server.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

NOW = time.time_ns()


def _spool(
    path: Path, starts: list[int], *, batch_rows: int, ids: list[str] | None = None
) -> Spool:
    ids = ids or [f"span-{number:08d}" for number in range(len(starts))]
    table = pa.table(
        {
            "context.span_id": ids,
            "context.trace_id": ids,
            "name": ids,
            "start_time": pa.array([NOW + start for start in starts], pa.int64()),
        }
    )
    file = path / "body.arrow"
    with pa.ipc.new_stream(str(file), table.schema) as writer:
        writer.write_table(table, max_chunksize=batch_rows)
    return Spool.open(file)


def _shuffled(count: int, width: int) -> list[int]:
    """Numbers each of which is within `width` of its place."""
    generator = random.Random(0)
    return [max(0, n + generator.randint(0, width)) for n in range(count)]


@pytest.mark.parametrize(
    ("starts", "order"),
    [
        (list(range(30_000)), Order.ROWS),
        ([7] * 30_000, Order.ROWS),
        (_shuffled(50_000, 8_000), Order.SLICES),
        (list(range(9_000, 0, -1)), Order.SLICES),
        (list(range(50_000, 0, -1)), Order.NONE),
        ([*range(49_999), 0], Order.NONE),
    ],
)
@pytest.mark.parametrize("batch_rows", [10_000, 100_000])
def test_the_order_of_rows_is_found(
    tmp_path: Path, starts: list[int], order: Order, batch_rows: int
) -> None:
    findings = check(_spool(tmp_path, starts, batch_rows=batch_rows), ())
    assert findings.order is order


def test_the_last_row_of_an_id_is_kept(tmp_path: Path) -> None:
    spool = _spool(tmp_path, [0] * 5, batch_rows=2, ids=["a", "b", "a", "c", "b"])
    findings = check(spool, ())
    assert findings.keep is not None
    assert findings.keep.to_pylist() == [False, False, True, True, True]
    assert findings.ids is not None
    assert sorted(findings.ids.to_pylist()) == ["a", "b", "c"]
    kept = spool.reader([spool.column("context.span_id")], findings.keep).read_all()
    assert kept["i0"].to_pylist() == ["a", "c", "b"]


def test_a_reader_can_sort_each_slice(tmp_path: Path) -> None:
    spool = _spool(tmp_path, [3, 1, 2, 0], batch_rows=2)
    start = spool.column("start_time")
    back = spool.reader([start], sort_by=start).read_all()
    assert [value - NOW for value in back["i3"].to_pylist()] == [1, 3, 0, 2]
