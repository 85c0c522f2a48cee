/* spanduck
kind = "eval"
project = "fernway-support"
*/
SELECT "context.span_id" AS span_id,
       'ValidJSON' AS name,
       CASE WHEN json_valid("attributes.output.value") THEN 'valid' ELSE 'invalid' END AS label,
       CAST(json_valid("attributes.output.value") AS INTEGER) AS score
FROM spans('fernway-support')
WHERE "attributes.llm.invocation_parameters" ->> '$.response_format.type' = 'json_object'
  AND "attributes.output.value" IS NOT NULL
