-- What became of the values from `first_id` up to `end_id`: in portions, so that the order by row takes no memory.
SELECT
    v.row,
    v.span_id,
    shown_name(v.level, v.name) AS name,
    CASE
        WHEN v.error_code IS NOT NULL THEN 'invalid'
        WHEN v.is_known THEN 'unchanged'
        ELSE coalesce(c.status, 'accepted')
    END AS status,
    coalesce(v.error_code, c.error_code) AS error_code,
    reason_of(v.error_code, v.reason, c.id, d.other_row, c.reason) AS reason
FROM value AS v
LEFT JOIN verdict AS d
    ON d.value_id = v.value_id
    AND d.value_id >= getvariable('first_id')
    AND d.value_id < getvariable('end_id')
LEFT JOIN cause AS c
    ON c.id = d.cause_id
WHERE v.value_id >= getvariable('first_id')
    AND v.value_id < getvariable('end_id')
    AND coalesce(c.status, '') <> 'left'
    AND (
        getvariable('all_outcomes')
        OR v.error_code IS NOT NULL
        OR (d.value_id IS NOT NULL AND c.status <> 'unchanged')
    )
ORDER BY v.value_id
