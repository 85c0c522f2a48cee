"""Spans to upload, and a look at what a server has open."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pyarrow as pa

if TYPE_CHECKING:
    from spanduck.embedded import EmbeddedServer

NOW = datetime.now(UTC).replace(microsecond=250_000)


def spans(count: int, **columns: Any) -> pa.Table:
    """Spans in wire types, a second apart, the first one the latest."""
    start = int(NOW.timestamp()) * 10**9 + 250_000_000
    table = pa.table(
        {
            "context.span_id": [f"span-{number:012d}" for number in range(count)],
            "context.trace_id": [f"trace-{number // 4:012d}" for number in range(count)],
            "name": [f"operation {number % 7}" for number in range(count)],
            "start_time": pa.array([start - n * 10**9 for n in range(count)], pa.int64()),
            "end_time": pa.array([start - n * 10**9 + 1_500_000 for n in range(count)], pa.int64()),
        }
    )
    for name, values in columns.items():
        table = table.append_column(
            name, values if isinstance(values, pa.Array) else pa.array(values)
        )
    return table


def assert_no_exports(server: EmbeddedServer) -> None:
    """Wait until the server has no open export."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        status = httpx.get(
            f"http://127.0.0.1:{server.rest_port}/spanduck/status",
            headers={"Authorization": f"Bearer {server.api_key}"},
            trust_env=False,
        ).json()
        if status["open_streams"] == 0:
            return
        time.sleep(0.05)
    raise AssertionError(status)
