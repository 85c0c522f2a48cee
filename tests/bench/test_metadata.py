"""Metadata: what a client makes of a frame, against the vendor's."""

from __future__ import annotations

import json
import statistics
import time
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd
import pyarrow.flight as fl  # noqa: TID251 - a service that does nothing, and a bare client
import pytest

import spanduck
from spanduck._wire import MetadataResult

if TYPE_CHECKING:
    from collections.abc import Iterator

# Classes of the folder's conftest, which is no module to import from.
Bench: TypeAlias = Any
Figures: TypeAlias = Any

ROWS = 20_000
SPACE = "U3BhY2U6MTphYmNk"


class Sink(fl.FlightServerBase):  # type: ignore[misc]  # pyarrow is untyped
    """Takes whatever is written to it."""

    def __init__(self) -> None:
        super().__init__("grpc+tcp://127.0.0.1:0")

    def do_put(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> None:
        rows = len(reader.read_all())
        writer.write(MetadataResult(rows, rows).to_bytes())


@pytest.fixture
def address() -> Iterator[dict[str, Any]]:
    with Sink() as sink:
        yield {
            "api_key": "ak-1",
            "flight_host": "127.0.0.1",
            "flight_port": sink.port,
            "flight_scheme": "grpc+tcp",
        }


def frames() -> dict[str, pd.DataFrame]:
    ids = [f"span-{number:012d}" for number in range(ROWS)]
    fields = {
        "attributes.metadata.customer": [f"cust-{number % 97}" for number in range(ROWS)],
        "attributes.metadata.score": [number / 7 for number in range(ROWS)],
        "attributes.metadata.region": ["us-west", "eu-central"] * (ROWS // 2),
    }
    patches = [{"tag": f"t{number}", "priority": number % 3} for number in range(ROWS)]
    texts = [json.dumps(patch) for patch in patches]
    return {
        "field columns": pd.DataFrame({"context.span_id": ids, **fields}),
        "patches": pd.DataFrame({"context.span_id": ids, "patch_document": patches}),
        "patches as text": pd.DataFrame({"context.span_id": ids, "patch_document": texts}),
        "both": pd.DataFrame({"context.span_id": ids, **fields, "patch_document": patches}),
    }


@pytest.mark.parametrize("shape", list(frames()))
def test_metadata_is_prepared_faster_than_by_the_vendor(
    address: dict[str, Any], figures: Figures, shape: str
) -> None:
    from arize import ArizeClient

    arguments: dict[str, Any] = {
        "space_id": SPACE,
        "project_name": "p",
        "dataframe": frames()[shape],
    }
    vendor = ArizeClient(**address).spans
    took: dict[str, list[float]] = {"vendor": [], "ours": []}
    with spanduck.SpansClient(**address) as ours:
        for _ in range(4):
            for name, client in (("vendor", vendor), ("ours", ours)):
                began = time.perf_counter()
                client.update_metadata(**arguments)
                took[name].append(time.perf_counter() - began)
    ratio = statistics.median(
        a / b for a, b in zip(took["vendor"][1:], took["ours"][1:], strict=True)
    )
    figures.tell(f"metadata, {shape}", ROWS / statistics.median(took["ours"][1:]), "rows/s")
    figures.tell("  against the vendor's client", ratio, "x", limit=">= 4")
    assert ratio >= 4
