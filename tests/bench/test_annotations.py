"""How fast annotations are written: by our client, durably by the server, beside the vendor's SDK."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from spanduck import _sample

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 100_000
LEAST = 200_000


def _rows(spans: pa.Table, name: str) -> pa.Table:
    return pa.table(
        {
            "context.span_id": spans["context.span_id"],
            f"annotation.{name}.label": ["good", "bad"] * (len(spans) // 2),
            f"annotation.{name}.score": pa.array([i % 100 / 100 for i in range(len(spans))]),
        }
    )


def _rate(call: Callable[[int], Any], rounds: int = 4) -> float:
    rates = []
    for number in range(rounds):
        began = time.perf_counter()
        call(number)
        rates.append(ROWS / (time.perf_counter() - began))
    return sorted(rates[1:])[1]  # the first call makes connections and warms caches


def test_annotations_are_applied_at_a_rate(fresh_bench: Callable[[], Any], figures: Any) -> None:
    bench = fresh_bench()
    spans = _sample.generate_table(ROWS)
    bench.upload_file("timed", spans.to_batches())
    tables = [_rows(spans, f"Round {number}") for number in range(4)]
    with bench.client() as client:

        def write(number: int) -> None:
            response = client.update_annotations(project_name="timed", dataframe=tables[number])
            assert response.records_updated == ROWS

        rate = _rate(write)
        again = _rate(lambda _: write(0))
        notes = pa.table(
            {
                "context.span_id": spans["context.span_id"],
                "annotation.notes": [f"note {i}" for i in range(ROWS)],
            }
        )
        noted = _rate(lambda _: client.update_annotations(project_name="timed", dataframe=notes))
    bound = "checks, insert"
    limit = f">= {LEAST:,}"
    figures.tell("100,000 annotations in one call", rate, "rows/s", limit=limit, bound_by=bound)
    figures.tell("  the same ones again", again, "rows/s", bound_by=bound)
    figures.tell("  100,000 notes", noted, "rows/s", bound_by=bound)
    assert rate >= LEAST


def test_our_client_is_at_least_as_fast_as_the_vendors(
    fresh_bench: Callable[[], Any], figures: Any
) -> None:
    from arize import ArizeClient

    bench = fresh_bench()
    spans = _sample.generate_table(ROWS)
    bench.upload_file("timed", spans.to_batches())
    frame = _rows(spans, "Q").to_pandas()
    server = bench.server
    vendor = ArizeClient(
        api_key=server.api_key,
        flight_host="localhost",
        flight_port=server.flight_port,
        flight_scheme="grpc+tcp",
    )
    arguments = {"space_id": server.space_id, "project_name": "timed", "dataframe": frame}
    theirs = _rate(lambda _: vendor.spans.update_annotations(**arguments))
    with bench.client() as client:
        ours = _rate(lambda _: client.update_annotations(**arguments))
    figures.tell("update_annotations of a DataFrame", ours, "rows/s", limit=f">= {theirs:,.0f}")
    assert ours >= theirs
