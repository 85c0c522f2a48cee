"""Stream an export into a Parquet file, and read it back with DuckDB."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

import spanduck

start = datetime.now(UTC) - timedelta(minutes=5)
rows = [
    {
        "context.trace_id": f"trace-{n:08}",
        "context.span_id": f"span-{n:09}",
        "name": "look up" if n % 2 else "answer",
        "start_time": start,
        "end_time": start + timedelta(milliseconds=100 * n),
        "status_code": "OK",
    }
    for n in range(10)
]

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "spans.parquet"
    with (
        spanduck.serve(Path(folder) / "store") as server,
        spanduck.SpansClient(settings=server.settings) as client,
    ):
        client.log(project_name="my-llm-app", dataframe=pa.Table.from_pylist(rows))
        client.export_to_parquet(project_name="my-llm-app", path=file)

    exported = duckdb.read_parquet(str(file))
    print(
        exported.aggregate("name, count(*) AS spans, max(latency_ms) AS slowest_ms").order("name")
    )
