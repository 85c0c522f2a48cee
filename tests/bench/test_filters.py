"""Reading a thousandth of the spans, against reading all of them."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime
from typing import Any, TypeAlias

import pyarrow.compute as pc
import pyarrow.flight as fl  # noqa: TID251 - what the server alone does is asked of it directly
import pytest

from spanduck._wire import ExportCommand, flight_headers

# Classes of the folder's conftest, which is no module to import from.
Bench: TypeAlias = Any
Figures: TypeAlias = Any
Sizes: TypeAlias = Any

SHARE = 0.001


@pytest.fixture(scope="module")
def wanted(loaded: Bench) -> dict[str, dict[str, str]]:
    """A filter and a window that each select a thousandth: scattered, and side by side."""
    with loaded.client() as client:
        spans = client.export(project_name="large", columns=["start_time", "latency_ms"])
        table = spans.read_all()
    # Latencies near the median say nothing of where a span lies.
    low, high = pc.quantile(table["latency_ms"], q=[0.5, 0.5 + SHARE]).to_pylist()
    start, end = pc.quantile(
        table["start_time"], q=[0.5, 0.5 + SHARE], interpolation="nearest"
    ).to_pylist()
    bounds = {"start": start, "end": end}
    return {
        "filter": {"filter": f"latency_ms >= {low!r} AND latency_ms < {high!r}"},
        "window": {
            name: datetime.fromtimestamp(at / 1e9, UTC).isoformat() for name, at in bounds.items()
        },
    }


@pytest.mark.parametrize(
    "case",
    [
        ("scattered spans, three columns", "filtered_three", "filter", 30),
        ("scattered spans, all columns", "filtered", "filter", 4),
        ("a window, all columns", "window", "window", 20),
    ],
    ids=lambda case: case[0],
)
def test_a_thousandth_of_the_spans_is_read_faster_than_all(
    loaded: Bench,
    sizes: Sizes,
    figures: Figures,
    wanted: dict[str, dict[str, str]],
    case: tuple[str, str, str, float],
) -> None:
    what, mode, by, least = case
    pairs = [
        (loaded.measure("spans"), loaded.measure(mode, **wanted[by])) for _ in range(sizes.pairs)
    ]
    for whole, part in pairs:
        assert part["rows"] == pytest.approx(SHARE * whole["rows"], rel=0.1)
    took = statistics.median(part["seconds"] for _, part in pairs)
    ratio = statistics.median(whole["seconds"] / part["seconds"] for whole, part in pairs)
    figures.tell(f"0.1 % of the spans: {what}", 1_000 * took, "ms")
    figures.tell("  against all", ratio, "x", limit=f">= {least}")
    assert ratio >= least


@pytest.mark.parametrize(
    ("text", "limit_ms"),
    [
        ("status_code = 'ERROR'", 100),
        ("latency_ms > 1000", 100),
        ("attributes.metadata.env = 'staging'", 1_000),
    ],
)
def test_spans_are_counted_by_a_filter(
    loaded: Bench, figures: Figures, text: str, limit_ms: float
) -> None:
    server = loaded.server
    options = fl.FlightCallOptions(headers=flight_headers(server.api_key), timeout=600)
    command = ExportCommand(space=server.space_id, project="large", filter_expression=text)
    descriptor = fl.FlightDescriptor.for_command(command.to_json())
    took = []
    with fl.connect(f"grpc+tcp://127.0.0.1:{server.flight_port}") as client:
        for _ in range(9):
            began = time.perf_counter()
            assert client.get_flight_info(descriptor, options).total_records > 0
            took.append(1_000 * (time.perf_counter() - began))
    median = statistics.median(took)
    figures.tell(f"counted by {text}", median, "ms", limit=f"< {limit_ms:,}")
    assert median < limit_ms
