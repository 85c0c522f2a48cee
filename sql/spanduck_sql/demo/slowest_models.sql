SELECT "attributes.llm.model_name" AS model,
       count(*) AS calls,
       round(quantile_cont(latency_ms, 0.50)) AS p50_ms,
       round(quantile_cont(latency_ms, 0.95)) AS p95_ms,
       round(quantile_cont(latency_ms, 0.99)) AS p99_ms,
       sum("attributes.llm.token_count.total") AS tokens,
       CAST(sum("attributes.llm.cost.total") AS DECIMAL(12, 2)) AS cost_usd
FROM spans('fernway-support')
WHERE "attributes.openinference.span.kind" = 'LLM'
GROUP BY model
ORDER BY p95_ms DESC
