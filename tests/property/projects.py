"""Projects of a few spans, each under a name of its own."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from spanduck import SpansClient

if TYPE_CHECKING:
    from collections.abc import Sequence

_numbers = itertools.count()


def new_project(service: dict[str, Any], span_ids: Sequence[str]) -> str:
    """Make a project of spans that are alike but for their ids, and return its name."""
    start = int(datetime.now(UTC).timestamp()) * 10**9 - 10**12
    name, count = f"p{next(_numbers)}", len(span_ids)
    spans = pa.table(
        {
            "context.span_id": list(span_ids),
            "context.trace_id": ["trace-000000000000"] * count,
            "name": ["operation"] * count,
            "start_time": pa.array([start] * count, pa.int64()),
            "end_time": pa.array([start + 1] * count, pa.int64()),
        }
    )
    with SpansClient(**service) as client:
        client.log(project_name=name, dataframe=spans)
    return name
