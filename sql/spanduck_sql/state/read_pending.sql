-- `others` are runs that are still going on: they know what became of their calls.
SELECT
    span_id,
    CAST(level AS VARCHAR) AS level,
    name
FROM spanduck_state.sent
WHERE target = $target
    AND run NOT IN (
        SELECT run
        FROM spanduck_state.runs
        WHERE list_contains(CAST($others AS VARCHAR[]), run_id)
    )
