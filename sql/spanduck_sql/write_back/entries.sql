-- Takes `incoming_ids`: what the state keeps of values, key by key.
SELECT
    v.rowid AS value_id,
    v.row,
    v.span_id,
    v.level,
    p.name,
    CASE WHEN q.is_new THEN 'new' ELSE 'changed' END AS operation,
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
JOIN queue AS q
    ON q.value_id = v.rowid
SEMI JOIN incoming_ids AS i
    ON i.value_id = v.rowid
WHERE v.rowid >= getvariable('first_id')
    AND v.rowid < getvariable('end_id')
    AND p.value_id >= getvariable('first_id')
    AND p.value_id < getvariable('end_id')
    AND q.value_id >= getvariable('first_id')
    AND q.value_id < getvariable('end_id')
