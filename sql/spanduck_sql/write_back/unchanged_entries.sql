-- What the state keeps of unchanged values from `first_id` up to `end_id`, key by key.
SELECT
    e.*,
    CAST(NULL AS VARCHAR) AS operation
FROM entry AS e
SEMI JOIN (
    SELECT value_id
    FROM verdict
    WHERE cause_id = 5
        AND value_id >= getvariable('first_id')
        AND value_id < getvariable('end_id')
) AS d
    ON d.value_id = e.value_id
WHERE e.value_id >= getvariable('first_id')
    AND e.value_id < getvariable('end_id')
