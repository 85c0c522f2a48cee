"""Lists of spans of which hundreds start at one time: a page cannot be read by its times alone."""

from __future__ import annotations

import time
from typing import Any, TypeAlias

import pyarrow as pa
import pytest

# A class of the folder's conftest, which is no module to import from.
Lists: TypeAlias = Any


@pytest.mark.parametrize("limit", [40, 499])
def test_spans_that_start_at_one_time_are_walked_in_order(lists: Lists, limit: int) -> None:
    now = time.time_ns() - 10**9
    sizes = [3, 700, 60, 1, 236]
    starts = [now - age * 10**9 for age, size in enumerate(sizes) for _ in range(size)]
    spans = [f"span-{(n * 389) % 1_000:012d}" for n in range(1_000)]
    traces = [f"trace-{(n * 7) % 13:012d}" for n in range(1_000)]
    table = lists.tools.spans(1_000)
    columns = {"context.span_id": spans, "context.trace_id": traces, "start_time": starts}
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    lists.caller.upload(table, lists.project)
    wanted = sorted(zip([-start for start in starts], traces, spans, strict=True))
    assert lists.walk(limit) == [span for _, _, span in wanted]
