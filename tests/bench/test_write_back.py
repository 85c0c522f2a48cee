"""How fast values are compared and sent, beside the vendor's SDK, and in how much memory."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

from spanduck import _sample, write_back

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROJECT = "evaluated"
LEAST_COMPARED = 1_000_000
LEAST_SENT = 200_000
LEAST_RATIO = 3
MOST_GROWTH_MB = 60
MODEL = """SELECT "context.span_id" AS span_id, 'Quality' AS name,
    if(number % 10 = 0, 'good {round}', 'same') AS label, number / 7 AS score,
    'The answer keeps to source ' || number || ' and says so' AS explanation FROM '{path}'"""


@pytest.fixture
def spans(tmp_path: Path) -> Callable[[Any, int], Path]:
    """Upload spans, and write their ids and numbers into a file."""

    def make(bench: Any, rows: int) -> Path:
        path = tmp_path / "spans.parquet"
        parts = []
        for first in range(0, rows, 100_000):
            table = _sample.generate_table(min(100_000, rows - first), seed=first)
            bench.upload_file(PROJECT, table.to_batches())
            parts.append(table.select(["context.span_id"]))
        ids = pa.concat_tables(parts)
        numbered = ids.append_column("number", pa.array(range(len(ids)), pa.int64()))
        with duckdb.connect() as con:
            con.register("ids", numbered)
            con.execute(f"COPY ids TO '{path}' (FORMAT parquet)")
        return path

    return make


def test_values_are_sent_and_compared_at_a_rate(
    fresh_bench: Any, sizes: Any, figures: Any, spans: Any, tmp_path: Path
) -> None:
    bench = fresh_bench()
    path = spans(bench, sizes.large)
    given: dict[str, Any] = {"kind": "eval", "project": PROJECT, "state": tmp_path / "state.duckdb"}
    given |= {"model": "m", "progress": False, **bench.settings}
    sent, unchanged = MODEL.format(path=path, round=0), []
    with duckdb.connect() as con:
        began = time.perf_counter()
        with write_back(con, sent, **given) as report:
            assert report.accepted == sizes.large
        rate = sizes.large / (time.perf_counter() - began)
        for _ in range(3):
            began = time.perf_counter()
            with write_back(con, sent, **given) as report:
                assert report.unchanged == sizes.large
            unchanged.append(sizes.large / (time.perf_counter() - began))
    figures.tell("evaluations read, sent and noted", rate, "values/s", limit=f">= {LEAST_SENT:,}")
    figures.tell("  the same again, all unchanged", statistics.median(unchanged), "values/s")
    assert rate >= LEAST_SENT


def test_what_is_held_is_compared_at_a_rate(
    fresh_bench: Any, sizes: Any, figures: Any, spans: Any, tmp_path: Path
) -> None:
    from spanduck._write_back.account import Account

    bench = fresh_bench()
    path = spans(bench, sizes.large)
    given: dict[str, Any] = {"kind": "eval", "project": PROJECT, "state": tmp_path / "state.duckdb"}
    given |= {"model": "m", "progress": False, **bench.settings}
    seconds: list[float] = []
    compare = Account._compare

    def timed(account: Account) -> Any:
        began = time.perf_counter()
        queue = compare(account)
        seconds.append(time.perf_counter() - began)
        return queue

    with duckdb.connect() as con, pytest.MonkeyPatch.context() as patch:
        write_back(con, MODEL.format(path=path, round=0), **given).close()
        patch.setattr(Account, "_compare", timed)
        with write_back(con, MODEL.format(path=path, round=1), dry_run=True, **given) as plan:
            assert plan.changed == sizes.large // 10
    rate = sizes.large / seconds[0]
    figures.tell("values compared with the state", rate, "values/s", limit=f">= {LEAST_COMPARED:,}")
    assert rate >= LEAST_COMPARED


def test_one_changed_value_in_ten_takes_a_third_of_the_vendors_time(
    fresh_bench: Any, sizes: Any, figures: Any, spans: Any, tmp_path: Path
) -> None:
    from arize import ArizeClient

    bench = fresh_bench()
    path = spans(bench, sizes.large)
    given: dict[str, Any] = {"kind": "eval", "project": PROJECT, "state": tmp_path / "state.duckdb"}
    given |= {"model": "m", "progress": False, **bench.settings}
    ratios, seconds = [], []
    with duckdb.connect() as con, pytest.MonkeyPatch.context() as patch:
        for name, value in bench.environment.items():
            patch.setenv(name, value)
        vendor = ArizeClient()
        write_back(con, MODEL.format(path=path, round=0), **given).close()
        for number in range(1, sizes.pairs + 1):
            sql = MODEL.format(path=path, round=number)
            began = time.perf_counter()
            with write_back(con, sql, **given) as report:
                assert report.changed == sizes.large // 10
            ours = time.perf_counter() - began
            began = time.perf_counter()
            frame = con.sql(
                f"""SELECT span_id AS "context.span_id", label AS "eval.Quality.label",
                    score AS "eval.Quality.score",
                    explanation AS "eval.Quality.explanation" FROM ({sql})"""
            ).df()
            vendor.spans.update_evaluations(
                space_id=bench.server.space_id, project_name=PROJECT, dataframe=frame
            )
            theirs = time.perf_counter() - began
            ratios.append(theirs / ours)
            seconds.append((ours, theirs))
    ratio = statistics.median(ratios)
    for side, place in (("ours", 0), ("the vendor's", 1)):
        median = statistics.median(pair[place] for pair in seconds)
        figures.tell(f"one in ten of {sizes.large:,} changed, {side}", median, "s")
    figures.tell("  times the vendor's", ratio, "x", limit=f">= {LEAST_RATIO}")
    assert ratio >= LEAST_RATIO


PEAK = """
import sys, duckdb
from spanduck import write_back
con = duckdb.connect()
con.execute("SET enable_progress_bar = false")
sql = sys.argv[1] + " LIMIT " + sys.argv[2]
report = write_back(con, sql, kind="eval", project=sys.argv[3], state=sys.argv[4], model="m")
assert report.accepted == int(sys.argv[2]), report
print(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_values(
    fresh_bench: Any, sizes: Any, figures: Any, spans: Any, tmp_path: Path
) -> None:
    bench = fresh_bench()
    sql = MODEL.format(path=spans(bench, sizes.large), round=0)

    def peak_mb(rows: int) -> float:
        state = str(tmp_path / f"{rows}.duckdb")
        done = subprocess.run(
            [sys.executable, "-c", PEAK, sql, str(rows), PROJECT, state],
            env=bench.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return int(done.stdout) / 1024

    # Calls under way and the databases' buffers are full by then.
    some, all_ = peak_mb(sizes.large // 2), peak_mb(sizes.large)
    figures.tell("peak memory of a run", all_, "MB", limit=f"<= {MOST_GROWTH_MB} MB over half")
    assert all_ <= some + MOST_GROWTH_MB
