SELECT "attributes.llm.model_name" AS model,
       count(*) AS calls,
       round(quantile_cont(latency_ms, 0.95)) AS p95_ms,
       count(*) FILTER ("eval.Latency.label" = 'slow') AS slow,
       round(avg("eval.Latency.score"), 3) AS latency_score,
       count("eval.ValidJSON.label") AS asked_for_json,
       count(*) FILTER ("eval.ValidJSON.label" = 'invalid') AS invalid_json
FROM spans('fernway-support')
WHERE "attributes.openinference.span.kind" = 'LLM'
GROUP BY model
ORDER BY p95_ms DESC
