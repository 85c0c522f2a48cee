SELECT "attributes.openinference.span.kind" AS kind,
       count(*) AS spans,
       count(*) FILTER (status_code = 'ERROR') AS errors,
       round(100 * errors / spans, 2) AS error_pct,
       mode("attributes.exception.type") AS most_frequent
FROM spans('fernway-support', start_time := now() - INTERVAL 1 DAY)
GROUP BY kind
ORDER BY error_pct DESC, spans DESC
