-- A bucket of the valid values. One whose key no span has is judged already.
SELECT quick_key
FROM value
WHERE error_code IS NULL
    AND quick_key % getvariable('buckets') = getvariable('bucket')
    AND value_id NOT IN (SELECT value_id FROM verdict)
