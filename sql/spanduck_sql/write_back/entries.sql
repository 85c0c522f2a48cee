-- Takes `incoming_ids`, all from `first_id` up to `end_id`: what the state keeps of values, key by key.
SELECT
    e.*,
    CASE WHEN q.is_new THEN 'new' ELSE 'changed' END AS operation
FROM entry AS e
JOIN (
    SELECT q.*
    FROM queue AS q
    SEMI JOIN incoming_ids AS i
        ON i.value_id = q.value_id
) AS q
    ON q.value_id = e.value_id
WHERE e.value_id >= getvariable('first_id')
    AND e.value_id < getvariable('end_id')
