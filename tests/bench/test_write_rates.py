"""How fast the server applies what a client has prepared, durably: from the first byte sent to its answer."""

from __future__ import annotations

import json
import statistics
import time
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.flight as fl  # noqa: TID251 - a bare client
import pytest

from spanduck import _sample
from spanduck._wire import MetadataResult, UpdateResult, WriteCommand, WriteKind, flight_headers

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 200_000
LEAST = 200_000
ROUNDS = 5


def _evaluations(number: int, names: int = 1) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name in range(names):
        columns |= {
            f"eval.E{number}-{name}.label": ["good", "bad"] * (ROWS // 2),
            f"eval.E{number}-{name}.score": [row % 100 / 100 for row in range(ROWS)],
            f"eval.E{number}-{name}.explanation": [f"because of {row}" for row in range(ROWS)],
        }
    return columns


def _annotations(number: int) -> dict[str, Any]:
    return {
        f"annotation.A{number}.label": ["good", "bad"] * (ROWS // 2),
        f"annotation.A{number}.score": [row % 100 / 100 for row in range(ROWS)],
        f"annotation.A{number}.updated_by": ["somebody"] * ROWS,
        f"annotation.A{number}.updated_at": [1_790_000_000_000] * ROWS,
    }


def _patches(number: int, **more: Any) -> dict[str, Any]:
    patches = ({"tag": f"t{number}-{row}", "n": row / 3, **more} for row in range(ROWS))
    return {"patch_document": list(map(json.dumps, patches))}


def _mixed_patches(number: int) -> dict[str, Any]:
    return _patches(number, flag=True, gone=None, list=[1, 2])


@pytest.mark.parametrize(
    ("what", "kind", "columns"),
    [
        ("evaluations", WriteKind.EVALUATIONS, lambda _: _evaluations(0)),
        ("evaluations under new names", WriteKind.EVALUATIONS, _evaluations),
        ("annotations", WriteKind.ANNOTATIONS, lambda _: _annotations(0)),
        ("annotations under new names", WriteKind.ANNOTATIONS, _annotations),
        ("patches of texts and numbers", WriteKind.METADATA, _patches),
        ("patches of every type", WriteKind.METADATA, _mixed_patches),
    ],
)
def test_prepared_rows_are_applied_at_a_rate(
    fresh_bench: Callable[[], Any],
    figures: Any,
    what: str,
    kind: WriteKind,
    columns: Callable[[int], dict[str, Any]],
) -> None:
    bench, took = fresh_bench(), []
    spans = _sample.generate_table(ROWS)
    bench.upload_file("timed", spans.to_batches())
    server = bench.server
    options = fl.FlightCallOptions(headers=flight_headers(server.api_key), timeout=600)
    command = fl.FlightDescriptor.for_command(
        WriteCommand(kind, server.space_id, "timed").to_json()
    )
    with fl.connect(f"grpc+tcp://127.0.0.1:{server.flight_port}") as client:
        for number in range(ROUNDS + 1):
            rows = pa.table({"context.span_id": spans["context.span_id"], **columns(number)})
            began = time.perf_counter()
            writer, results = client.do_put(command, rows.schema, options)
            with writer:
                writer.write_table(rows, max_chunksize=10_000)
                writer.done_writing()
                answer = results.read().to_pybytes()
            took.append(time.perf_counter() - began)
            assert _updated(kind, answer) == ROWS
    rate = ROWS / statistics.median(took[1:])
    figures.tell(f"200,000 {what} in one call", rate, "rows/s", limit=f">= {LEAST:,}")
    figures.tell("  server memory meanwhile", bench.peak_mb(), "MB", limit="< 1,000")
    assert rate >= LEAST
    assert bench.peak_mb() < 1_000


def _updated(kind: WriteKind, answer: bytes) -> int:
    if kind is WriteKind.METADATA:
        return MetadataResult.from_bytes(answer).spans_updated
    return UpdateResult.from_bytes(answer).records_updated
