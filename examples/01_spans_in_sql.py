"""Log spans, ask about them in SQL, and write a score back: without an account."""

from datetime import UTC, datetime, timedelta

import pandas as pd

import spanduck

now = datetime.now(UTC)
seconds = [0.8, 1.2, 6.5, 2.1]
spans = pd.DataFrame(
    {
        "context.trace_id": [f"trace-{n:08}" for n in range(4)],
        "context.span_id": [f"span-{n:09}" for n in range(4)],
        "name": "answer",
        "start_time": now,
        "end_time": [now + timedelta(seconds=s) for s in seconds],
        "attributes.llm.model_name": ["small", "small", "large", "large"],
    }
)
spanduck.SpansClient().log(project_name="my-llm-app", dataframe=spans)

con = spanduck.connect()
model = """
    SELECT "context.span_id" AS span_id, 'Latency' AS name,
           CASE WHEN latency_ms > 5000 THEN 'slow' ELSE 'ok' END AS label
    FROM spans('my-llm-app')
"""
report = spanduck.write_back(con, model, kind="eval", project="my-llm-app")
print(report.accepted, "scores written back")

con.sql("""
    SELECT "attributes.llm.model_name" AS model, max(latency_ms) AS slowest_ms,
           count(*) FILTER ("eval.Latency.label" = 'slow') AS slow
    FROM spans('my-llm-app') GROUP BY ALL ORDER BY model
""").show()
