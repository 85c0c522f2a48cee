"""How fast evaluations are written from a DataFrame: by our client, beside the vendor's SDK."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from spanduck import _sample

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 100_000
PAIRS = 5


def _rows(spans: pa.Table, names: int) -> pa.Table:
    columns = {"context.span_id": spans["context.span_id"]}
    for number in range(names):
        columns |= {
            f"eval.E{number}.label": pa.array(["good", "bad"] * (ROWS // 2)),
            f"eval.E{number}.score": pa.array([row % 100 / 100 for row in range(ROWS)]),
            f"eval.E{number}.explanation": pa.array([f"because of {row}" for row in range(ROWS)]),
        }
    return pa.table(columns)


@pytest.mark.parametrize("names", [1, 3])
def test_our_client_is_at_least_as_fast_as_the_vendors(
    fresh_bench: Callable[[], Any], figures: Any, names: int
) -> None:
    from arize import ArizeClient

    bench = fresh_bench()
    spans = _sample.generate_table(ROWS)
    bench.upload_file("timed", spans.to_batches())
    server = bench.server
    took: dict[str, list[float]] = {"vendor": [], "ours": []}
    vendor = ArizeClient(
        api_key=server.api_key,
        flight_host="localhost",
        flight_port=server.flight_port,
        flight_scheme="grpc+tcp",
    )
    arguments = {
        "space_id": server.space_id,
        "project_name": "timed",
        "dataframe": _rows(spans, names).to_pandas(),
    }
    with bench.client() as ours:
        for _ in range(PAIRS + 1):
            for name, client in (("vendor", vendor.spans), ("ours", ours)):
                began = time.perf_counter()
                client.update_evaluations(**arguments)
                took[name].append(time.perf_counter() - began)
        assert ours.update_evaluations(**arguments).records_updated == ROWS
    # The first pair makes connections and warms caches.
    pairs = list(zip(took["vendor"], took["ours"], strict=True))[1:]
    ratio = statistics.median(theirs / own for theirs, own in pairs)
    rate = ROWS / statistics.median(own for _, own in pairs)
    figures.tell(f"update_evaluations of a DataFrame, names: {names}", rate, "rows/s")
    figures.tell("  against the vendor's client", ratio, "x", limit=">= 1")
    assert ratio >= 1
