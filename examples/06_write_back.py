"""Write SQL results back as an incremental model: look at the plan, run it, see what changed."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

import spanduck

MODEL = """
/* spanduck
kind = "eval"
project = "my-llm-app"
incremental = true
lookback = "1 hour"
*/
SELECT "context.span_id" AS span_id, start_time, 'Latency' AS name,
       CASE WHEN latency_ms > 5000 THEN 'slow' ELSE 'ok' END AS label
FROM spans('my-llm-app', start_time := getvariable('since'))
"""


def spans(first: int, *seconds: float) -> pa.Table:
    start = datetime.now(UTC) - timedelta(minutes=5)
    return pa.Table.from_pylist(
        [
            {
                "context.trace_id": f"trace-{first + n:08}",
                "context.span_id": f"span-{first + n:09}",
                "name": "answer",
                "start_time": start,
                "end_time": start + timedelta(seconds=length),
            }
            for n, length in enumerate(seconds)
        ]
    )


with tempfile.TemporaryDirectory() as folder, spanduck.serve(Path(folder, "store")) as server:
    model = Path(folder, "latency.sql")
    model.write_text(MODEL)
    con = spanduck.connect(Path(folder, "mine.duckdb"), settings=server.settings)
    plan = f"SELECT new, changed, unchanged, calls FROM write_back('{model}', dry_run := true)"
    run = f"SELECT status, count(*) AS number FROM write_back('{model}') GROUP BY ALL ORDER BY ALL"
    with spanduck.SpansClient(settings=server.settings) as client:
        client.log(project_name="my-llm-app", dataframe=spans(1, 0.8, 6.5))
        con.sql(plan).show()
        print("first run: ", con.sql(run).fetchall())
        print("second run:", con.sql(run).fetchall())
        client.log(project_name="my-llm-app", dataframe=spans(3, 7.2))
        print("a late one:", con.sql(run).fetchall())
    con.sql("""
        SELECT model, span_id, name, CAST(operation AS VARCHAR) AS operation
        FROM spanduck_state.changelog ORDER BY span_id
    """).show()
    con.close()
