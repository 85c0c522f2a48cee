-- Of the keys those that leave a remainder: all of them at a time would not fit in memory.
SELECT
    quick_key,
    quick_value
FROM spanduck_state.held
WHERE target = getvariable('spanduck_target')
    AND quick_value IS NOT NULL
    AND quick_key % getvariable('spanduck_buckets') = getvariable('spanduck_bucket')
