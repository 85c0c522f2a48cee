"""Put the table functions on a DuckDB connection of your own, and join spans with its tables."""

import tempfile
from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa

import spanduck

start = datetime.now(UTC) - timedelta(minutes=5)
rows = [
    {
        "context.trace_id": f"trace-{n:08}",
        "context.span_id": f"span-{n:09}",
        "name": "answer",
        "start_time": start,
        "end_time": start + timedelta(milliseconds=100 * n),
        "attributes.metadata": f'{{"order_id": {n % 3}}}',
    }
    for n in range(9)
]

con = duckdb.connect()
con.sql("CREATE TABLE orders AS SELECT range AS order_id, 10 * range AS amount FROM range(3)")

with tempfile.TemporaryDirectory() as folder, spanduck.serve(folder) as server:
    with spanduck.SpansClient(settings=server.settings) as client:
        client.log(project_name="my-llm-app", dataframe=pa.Table.from_pylist(rows))
    spanduck.attach(con, settings=server.settings)
    con.sql("""
        SELECT order_id, amount, count(*) AS calls, sum(latency_ms) AS latency_ms
        FROM spans('my-llm-app')
        JOIN orders ON order_id = CAST("attributes.metadata" ->> 'order_id' AS BIGINT)
        GROUP BY ALL ORDER BY order_id
    """).show()
    spanduck.detach(con)
