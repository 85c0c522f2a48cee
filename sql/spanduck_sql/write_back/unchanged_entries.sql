-- What the state keeps of unchanged values from `first_id` up to `end_id`, key by key.
SELECT
    v.row,
    v.span_id,
    v.level,
    p.name,
    CAST(NULL AS VARCHAR) AS operation,
    p.key_high,
    p.key_low,
    p.label_hash,
    p.score,
    p.body_hash,
    v.key_high AS value_high,
    v.key_low AS value_low
FROM value AS v
JOIN part AS p
    ON p.value_id = v.rowid
SEMI JOIN (
    SELECT value_id
    FROM verdict
    WHERE cause_id = 5
        AND value_id >= getvariable('first_id')
        AND value_id < getvariable('end_id')
) AS d
    ON d.value_id = v.rowid
WHERE v.rowid >= getvariable('first_id')
    AND v.rowid < getvariable('end_id')
    AND p.value_id >= getvariable('first_id')
    AND p.value_id < getvariable('end_id')
