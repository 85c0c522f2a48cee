/* spanduck
kind = "eval"
project = "fernway-support"
*/
SELECT "context.span_id" AS span_id,
       'Latency' AS name,
       CASE WHEN latency_ms <= 3000 THEN 'ok' ELSE 'slow' END AS label,
       round(least(1, 3000 / latency_ms), 3) AS score,
       format('{:.0f} ms, the objective is 3000 ms', latency_ms) AS explanation
FROM spans('fernway-support')
WHERE "attributes.openinference.span.kind" = 'LLM'
  AND status_code <> 'ERROR'
