"""Deleting: as many spans as one call takes, from a large project."""

from __future__ import annotations

import json
import random
import statistics
import time
from typing import Any, TypeAlias

import httpx

from spanduck._wire import DELETE_LIMIT, rest_headers

# Classes of the folder's conftest, which is no module to import from.
Bench: TypeAlias = Any
Figures: TypeAlias = Any
Sizes: TypeAlias = Any

CALLS = 7


def test_spans_are_deleted_in_time(loaded: Bench, sizes: Sizes, figures: Figures) -> None:
    server = loaded.server
    with loaded.client() as client:
        spans = client.export(project_name="large", columns=["context.span_id"]).read_all()
    ids = spans["context.span_id"].to_pylist()
    random.Random(1).shuffle(ids)
    took = []
    with httpx.Client(
        base_url=f"http://127.0.0.1:{server.rest_port}",
        headers=rest_headers(server.api_key),
        timeout=60,
    ) as rest:
        listed = rest.get("/v2/projects", params={"name": "large"}).json()["projects"]
        for number in range(CALLS):
            part = ids[number * DELETE_LIMIT : (number + 1) * DELETE_LIMIT]
            body = json.dumps({"project_id": listed[0]["id"], "span_ids": part})
            began = time.perf_counter()
            answer = rest.request("DELETE", "/v2/spans", content=body)
            took.append(1_000 * (time.perf_counter() - began))
            assert len(answer.json()["deleted_span_ids"]) == DELETE_LIMIT
    median = statistics.median(took[1:])
    figures.tell(
        f"{DELETE_LIMIT:,} of {sizes.large:,} spans deleted",
        median,
        "ms",
        limit="< 200",
        bound_by="reading every id",
    )
    assert median < 200
