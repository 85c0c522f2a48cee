-- The first values of each count of a plan.
WITH planned AS (
    SELECT
        CASE
            WHEN v.error_code IS NOT NULL THEN 'invalid'
            WHEN v.is_known THEN 'unchanged'
            WHEN c.id IS NOT NULL THEN c.status
            WHEN q.is_new THEN 'new'
            ELSE 'changed'
        END AS plan,
        v.value_id
    FROM value AS v
    LEFT JOIN verdict AS d
        ON d.value_id = v.value_id
    LEFT JOIN cause AS c
        ON c.id = d.cause_id
    LEFT JOIN queue AS q
        ON q.value_id = v.value_id
),
first AS (
    SELECT
        plan,
        unnest(min(value_id, $rows)) AS value_id
    FROM planned
    WHERE plan <> 'left'
    GROUP BY plan
)
SELECT
    f.plan,
    v.row,
    v.span_id,
    shown_name(v.level, v.name) AS name,
    v.label,
    v.score,
    v.body,
    reason_of(v.error_code, v.reason, c.id, d.other_row, c.reason) AS reason
FROM value AS v
JOIN first AS f
    ON f.value_id = v.value_id
LEFT JOIN verdict AS d
    ON d.value_id = v.value_id
LEFT JOIN cause AS c
    ON c.id = d.cause_id
ORDER BY array_position(['new', 'changed', 'unchanged', 'invalid', 'duplicate', 'unmatched'], f.plan), v.value_id
