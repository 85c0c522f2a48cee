-- The values of one group of evaluations, as the model gave them. Group and number of buckets are variables because
-- DuckDB collects the whole result of a statement with parameters before it hands out the first row.
SELECT
    v.rowid AS value_id,
    CAST(hash(v.span_id) % getvariable('buckets') AS BIGINT) AS bucket,
    v.span_id,
    e.slot,
    v.label,
    v.score,
    v.explanation
FROM value AS v
JOIN evaluation AS e
    ON e.level = v.level
    AND e.name = v.name
ANTI JOIN verdict AS d
    ON d.value_id = v.rowid
WHERE v.error_code IS NULL
    AND e.call_group = getvariable('call_group')
