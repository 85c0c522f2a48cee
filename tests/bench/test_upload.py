"""Writing: spans and evaluations, durable when the call returns, and the server's memory."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pytest

from spanduck import _sample

if TYPE_CHECKING:
    from collections.abc import Callable

# Classes of the folder's conftest, which is no module to import from.
Bench: TypeAlias = Any
Figures: TypeAlias = Any
Sizes: TypeAlias = Any


@pytest.mark.parametrize(("call_rows", "least"), [(10_000, 20_000), (100_000, 30_000)])
def test_uploads_are_durable_at_a_rate(
    fresh_bench: Callable[[], Bench], figures: Figures, call_rows: int, least: int
) -> None:
    calls = max(3, 200_000 // call_rows)
    tables = [_sample.generate_table(call_rows, seed=seed) for seed in range(calls)]
    bench = fresh_bench()
    with bench.client() as client:
        client.log(project_name="warm", dataframe=_sample.generate_table(1_000, seed=99))
        began = time.perf_counter()
        for table in tables:
            client.log(project_name="timed", dataframe=table)
        seconds = time.perf_counter() - began
    rate = calls * call_rows / seconds
    figures.tell(
        f"upload, {call_rows:,} a call",
        rate,
        "spans/s",
        limit=f">= {least:,}",
        bound_by="DuckDB's insert",
    )
    assert rate >= least


def test_evaluations_are_applied_at_a_rate(
    fresh_bench: Callable[[], Bench], figures: Figures
) -> None:
    bench, rates = fresh_bench(), []
    spans = _sample.generate_table(100_000)
    bench.upload_file("timed", spans.to_batches())
    with bench.client() as client:
        for number in range(4):
            rows = pa.table(
                {
                    "context.span_id": spans["context.span_id"],
                    f"eval.Round {number}.score": pa.array(
                        [i % 100 / 100 for i in range(len(spans))]
                    ),
                }
            )
            began = time.perf_counter()
            response = client.update_evaluations(project_name="timed", dataframe=rows)
            rates.append(len(rows) / (time.perf_counter() - began))
            assert response.records_updated == len(rows)
    rate = sorted(rates[1:])[1]  # the first call makes connections and warms caches
    figures.tell(
        "100,000 evaluations in one call",
        rate,
        "rows/s",
        limit=">= 200,000",
        bound_by="checks, insert",
    )
    assert rate >= 200_000


def test_the_servers_memory_stays_under_a_gigabyte(
    fresh_bench: Callable[[], Bench], figures: Figures
) -> None:
    bench = fresh_bench()
    seconds = bench.upload_file("one-call", _sample.generate(200_000))
    peak = bench.peak_mb()
    figures.tell("200,000 spans in one call", 200_000 / seconds, "spans/s")
    figures.tell("  server memory meanwhile", peak, "MB", limit="< 1,000")
    assert peak < 1_000
