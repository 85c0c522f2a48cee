-- Finds which values may name one value of one span more than once, by quick numbers, in little memory. A value whose
-- key no span has is judged already.
INSERT INTO collision
SELECT quick_key
FROM (
    SELECT quick_key
    FROM value
    WHERE error_code IS NULL
        AND value_id NOT IN (SELECT value_id FROM verdict)
        -- There, all of them are.
        AND (SELECT count(*) FROM put_aside) = 0
    UNION ALL
    SELECT quick_key
    FROM put_aside
)
GROUP BY quick_key
HAVING count(*) > 1
