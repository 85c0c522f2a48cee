"""Let the service pick the spans: with a filter of your own, or with one made of your SQL."""

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
        "name": ("chat gpt-4o", "chat o3", "search")[n % 3],
        "start_time": start,
        "end_time": start + timedelta(milliseconds=300 * n),
        "status_code": "ERROR" if n % 4 == 0 else "OK",
        "attributes.metadata": f'{{"tier": "{("gold", "free")[n % 2]}"}}',
    }
    for n in range(12)
]

with tempfile.TemporaryDirectory() as folder, spanduck.serve(folder) as server:
    with spanduck.SpansClient(settings=server.settings) as client:
        client.log(project_name="my-llm-app", dataframe=pa.Table.from_pylist(rows))
    con = spanduck.connect(settings=server.settings)

    # In the service's own language. A key of a JSON document is a field like any other.
    con.sql("""
        SELECT name, latency_ms
        FROM spans(
            'my-llm-app', filter := 'attributes.metadata.tier = ''gold'' AND latency_ms > 1e3'
        )
        ORDER BY latency_ms
    """).show()

    # In SQL: what can be said in that language is sent, and what cannot is applied here.
    spanduck.sql(
        con,
        """
        SELECT name, count(*) AS spans
        FROM spans('my-llm-app')
        WHERE name LIKE 'chat%'
            AND (status_code = 'ERROR' OR latency_ms > 1000)
            AND length(name) < 9
        GROUP BY ALL
        """,
    ).show()

    # A mistake is found before anything is sent.
    try:
        con.sql("""FROM spans('my-llm-app', filter := 'status_code = "ERROR"')""")
    except duckdb.Error:
        print(spanduck.last_error(con))
    con.close()
