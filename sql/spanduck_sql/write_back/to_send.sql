-- The values of one group of names from `first_id` up to `end_id`, as the model gave them: in portions, so that the
-- join takes no memory. All that changes is a variable, because DuckDB collects the whole result of a statement with
-- parameters before it hands out the first row. The values are on the left of each join, so they keep their order.
SELECT
    v.value_id,
    CAST(hash(v.span_id) % getvariable('buckets') AS BIGINT) AS bucket,
    v.span_id,
    n.slot,
    v.label,
    v.score,
    v.body
FROM value AS v
JOIN sent_name AS n
    ON n.level = v.level
    AND n.name = v.name
SEMI JOIN (
    SELECT value_id
    FROM sending
    WHERE value_id >= getvariable('first_id')
        AND value_id < getvariable('end_id')
) AS s
    ON s.value_id = v.value_id
WHERE v.value_id >= getvariable('first_id')
    AND v.value_id < getvariable('end_id')
    AND n.call_group = getvariable('call_group')
