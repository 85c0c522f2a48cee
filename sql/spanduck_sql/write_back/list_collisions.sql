-- The values that were put aside and are among them.
SELECT p.value_id
FROM put_aside AS p
SEMI JOIN collision AS c
    ON c.quick_key = p.quick_key
ORDER BY p.value_id
