-- Metadata from `first_id` up to `end_id`, each value as the members it adds to the patch of its span.
SELECT
    v.value_id,
    CAST(hash(v.span_id) % getvariable('buckets') AS BIGINT) AS bucket,
    v.span_id,
    CASE
        WHEN v.name IS NULL THEN regexp_extract(v.body, '(?s)^\s*\{(.*)\}\s*$', 1)
        ELSE concat(to_json(v.name), ':', v.body)
    END AS members
FROM value AS v
SEMI JOIN (
    SELECT value_id
    FROM sending
    WHERE value_id >= getvariable('first_id')
        AND value_id < getvariable('end_id')
) AS s
    ON s.value_id = v.value_id
WHERE v.value_id >= getvariable('first_id')
    AND v.value_id < getvariable('end_id')
