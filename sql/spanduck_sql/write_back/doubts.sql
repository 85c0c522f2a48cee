-- The doubtful values from `first_id` up to `end_id`.
SELECT value_id
FROM doubt
WHERE value_id >= getvariable('first_id')
    AND value_id < getvariable('end_id')
