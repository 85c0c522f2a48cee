-- Takes `incoming_ids`, all from `first_id` up to `end_id`: those of them that were refused, with what the model said.
-- Exceptions are looked up among these alone, and nothing is sorted: it would not fit in memory. Values are on the left
-- of each join, so they come in the order in which they lie.
SELECT
    v.row,
    v.span_id,
    v.level,
    v.name,
    v.label,
    v.score,
    v.body,
    CASE WHEN q.value_id IS NULL THEN NULL WHEN q.is_new THEN 'new' ELSE 'changed' END AS operation,
    v.key_high,
    v.key_low,
    CASE WHEN v.error_code IS NOT NULL THEN 'invalid' ELSE c.status END AS status,
    coalesce(v.error_code, c.error_code) AS error_code,
    reason_of(v.error_code, v.reason, c.id, d.other_row, c.reason) AS reason
FROM value AS v
SEMI JOIN incoming_ids AS i
    ON i.value_id = v.value_id
LEFT JOIN (
    SELECT d.*
    FROM verdict AS d
    SEMI JOIN incoming_ids AS i
        ON i.value_id = d.value_id
) AS d
    ON d.value_id = v.value_id
LEFT JOIN cause AS c
    ON c.id = d.cause_id
LEFT JOIN (
    SELECT q.*
    FROM queue AS q
    SEMI JOIN incoming_ids AS i
        ON i.value_id = q.value_id
) AS q
    ON q.value_id = v.value_id
WHERE v.value_id >= getvariable('first_id')
    AND v.value_id < getvariable('end_id')
    AND (v.error_code IS NOT NULL OR c.status IN ('duplicate', 'invalid', 'unmatched', 'rejected'))
