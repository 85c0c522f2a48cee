SELECT value_id
FROM value
WHERE error_code IS NOT NULL
UNION ALL
SELECT d.value_id
FROM verdict AS d
JOIN cause AS c
    ON c.id = d.cause_id
WHERE c.status IN ('duplicate', 'invalid', 'unmatched', 'rejected')
ORDER BY value_id
