"""Runs of incremental models: what each reads, and what a late span needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

import spanduck
from spanduck._write_back.run import run_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SELECT = """
SELECT "context.span_id" AS span_id, start_time, 'Quality' AS name, {label} AS label
FROM spans('{project}', start_time := getvariable('since'))
"""
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def project(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)[:60]


@pytest.fixture
def con(settings: dict[str, Any], tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    con = spanduck.connect(tmp_path / "mine.duckdb", **settings)
    yield con
    con.close()


@pytest.fixture
def upload(settings: dict[str, Any], project: str) -> Callable[..., None]:
    """Upload spans that began so many hours ago."""

    def send(**hours_ago: float) -> None:
        starts = [NOW - timedelta(hours=hours) for hours in hours_ago.values()]
        spans = pa.table(
            {
                "context.span_id": [f"span-{name:0>16}" for name in hours_ago],
                "context.trace_id": [f"trace-{name:0>16}" for name in hours_ago],
                "name": ["operation"] * len(starts),
                "start_time": pa.array(starts, pa.timestamp("us", "UTC")),
                "end_time": pa.array(starts, pa.timestamp("us", "UTC")),
            }
        )
        with spanduck.SpansClient(**settings) as client:
            client.log(project_name=project, dataframe=spans)

    return send


@pytest.fixture
def run(
    con: duckdb.DuckDBPyConnection, project: str, tmp_path: Path
) -> Callable[..., dict[str, int]]:
    """Run a model with these keys and return the counts that are not zero."""

    def run(
        *keys: str, label: str = "'ok'", select: str = SELECT, **options: Any
    ) -> dict[str, int]:
        head = "\n".join(["/* spanduck", 'kind = "eval"', f'project = "{project}"', *keys, "*/"])
        path = tmp_path / "model.sql"
        path.write_text(head + select.format(project=project, label=label), encoding="utf-8")
        with run_model(con, path, **options) as report:
            counts = {"rows": report.rows, **report.counts()}
        return {name: number for name, number in counts.items() if number}

    return run


def watermarks(con: duckdb.DuckDBPyConnection) -> list[Any]:
    rows = con.execute("SELECT epoch(watermark) FROM spanduck_state.watermarks").fetchall()
    return [datetime.fromtimestamp(seconds, UTC) for (seconds,) in rows]


INCREMENTAL = "incremental = true"
LOOKBACK = 'lookback = "3 hours"'


def test_a_run_reads_from_the_latest_span_of_the_last_one_on(
    con: duckdb.DuckDBPyConnection,
    upload: Callable[..., None],
    run: Callable[..., dict[str, int]],
) -> None:
    upload(a=10, b=9, c=8)
    assert run(INCREMENTAL) == {"rows": 3, "accepted": 3}
    assert watermarks(con) == [NOW - timedelta(hours=8)]
    upload(d=7, e=6)
    # The span at the watermark is read again: others may have begun at the same moment.
    assert run(INCREMENTAL) == {"rows": 3, "accepted": 2, "unchanged": 1}
    assert watermarks(con) == [NOW - timedelta(hours=6)]
    assert run(INCREMENTAL) == {"rows": 1, "unchanged": 1}


def test_a_late_span_within_the_look_back_is_picked_up(
    con: duckdb.DuckDBPyConnection,
    upload: Callable[..., None],
    run: Callable[..., dict[str, int]],
    stored: Callable[[str], dict[tuple[str, str], Any]],
    project: str,
) -> None:
    upload(a=10, b=5)
    run(INCREMENTAL, LOOKBACK)
    assert watermarks(con) == [NOW - timedelta(hours=5)]
    upload(late=7, too_late=9)
    assert run(INCREMENTAL, LOOKBACK) == {"rows": 2, "accepted": 1, "unchanged": 1}
    assert watermarks(con) == [NOW - timedelta(hours=5)]
    assert {span.rpartition("0")[2] for span, _ in stored(project)} == {"a", "b", "late"}
    # A longer look-back holds from the next run on, for the true watermark is what is kept.
    assert run(INCREMENTAL, 'lookback = "1 day"')["accepted"] == 1
    assert {span.rpartition("0")[2] for span, _ in stored(project)} == {
        "a",
        "b",
        "late",
        "too_late",
    }


def test_everything_is_read_again_when_it_is_asked_for(
    upload: Callable[..., None], run: Callable[..., dict[str, int]]
) -> None:
    upload(a=10, b=5)
    run(INCREMENTAL)
    assert run(INCREMENTAL, full=True) == {"rows": 2, "accepted": 2}


def test_the_watermark_stays_when_values_were_left_out_or_the_run_failed(
    con: duckdb.DuckDBPyConnection,
    upload: Callable[..., None],
    run: Callable[..., dict[str, int]],
) -> None:
    upload(a=10, b=5)
    assert run(INCREMENTAL, limit=1) == {"rows": 2, "accepted": 1}
    assert watermarks(con) == []
    with pytest.raises(duckdb.InvalidInputException):
        run(INCREMENTAL, label="error('no')")
    assert watermarks(con) == []
    run(INCREMENTAL, dry_run=True)
    assert watermarks(con) == []
    assert run(INCREMENTAL) == {"rows": 2, "accepted": 1, "unchanged": 1}
    assert watermarks(con) == [NOW - timedelta(hours=5)]


def test_each_span_is_judged_once_when_the_model_asks_for_those_that_lack_it(
    upload: Callable[..., None], run: Callable[..., dict[str, int]]
) -> None:
    missing = 'missing = "eval.Quality"'
    select = SELECT.replace("start_time, ", "").replace(", start_time := getvariable('since')", "")
    upload(a=10, b=5)
    assert run(missing, select=select) == {"rows": 2, "accepted": 2}
    assert run(missing, select=select) == {}
    upload(c=7)
    assert run(missing, select=select) == {"rows": 1, "accepted": 1}
