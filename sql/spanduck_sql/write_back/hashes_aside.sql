-- A bucket of the values that were put aside.
SELECT
    value_id,
    quick_key,
    quick_value
FROM put_aside
WHERE quick_key % getvariable('buckets') = getvariable('bucket')
