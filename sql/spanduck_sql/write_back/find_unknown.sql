-- The values that were put aside and are not known.
SELECT p.value_id
FROM put_aside AS p
ANTI JOIN known AS k
    ON k.quick_key = p.quick_key
    AND k.quick_value = p.quick_value
ORDER BY p.value_id
