-- What became of the values from `first_id` up to `end_id`: in portions, so that the order by row takes no memory.
SELECT
    v.row,
    v.span_id,
    -- Names of the span level stand alone; the others keep the prefix their column would have.
    CASE v.level
        WHEN 'trace' THEN 'trace_eval.' || v.name
        WHEN 'session' THEN 'session_eval.' || v.name
        ELSE v.name
    END AS name,
    CASE
        WHEN v.error_code IS NOT NULL THEN 'invalid'
        ELSE coalesce(c.status, 'accepted')
    END AS status,
    coalesce(v.error_code, c.error_code) AS error_code,
    CASE
        WHEN v.error_code IS NOT NULL THEN v.reason
        WHEN c.id = 1 THEN concat('equal to row ', d.other_row, ', which stands for both')
        WHEN c.id = 2 THEN concat('row ', d.other_row, ' gives this evaluation another value')
        ELSE c.reason
    END AS reason
FROM value AS v
LEFT JOIN verdict AS d
    ON d.value_id = v.rowid
    AND d.value_id >= getvariable('first_id')
    AND d.value_id < getvariable('end_id')
LEFT JOIN cause AS c
    ON c.id = d.cause_id
WHERE v.rowid >= getvariable('first_id')
    AND v.rowid < getvariable('end_id')
    AND (
        getvariable('all_outcomes')
        OR v.error_code IS NOT NULL
        OR d.value_id IS NOT NULL
    )
ORDER BY v.rowid
