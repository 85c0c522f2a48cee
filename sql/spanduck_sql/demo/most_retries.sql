-- A retry is a tool call with the arguments of a call that failed just before it in the same trace.
WITH calls AS (
  SELECT "attributes.session.id" AS session,
         "attributes.user.id" AS user,
         "attributes.metadata" ->> 'tenant_id' AS tenant,
         "attributes.tool.name" AS tool,
         lag("attributes.tool.name" || "attributes.input.value") OVER earlier
           = "attributes.tool.name" || "attributes.input.value"
           AND lag(status_code) OVER earlier = 'ERROR' AS is_retry
  FROM spans('fernway-support')
  WHERE "attributes.openinference.span.kind" = 'TOOL'
  WINDOW earlier AS (PARTITION BY "context.trace_id" ORDER BY start_time)
)
SELECT session, user, tenant,
       count(*) AS tool_calls,
       count(*) FILTER (is_retry) AS retries,
       list_sort(list_distinct(list(tool) FILTER (is_retry))) AS tools
FROM calls
GROUP BY session, user, tenant
HAVING retries > 0
ORDER BY retries DESC, tool_calls, session
LIMIT 5
