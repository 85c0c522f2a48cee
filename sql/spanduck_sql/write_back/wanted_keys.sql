SELECT DISTINCT span_id AS key
FROM value
WHERE error_code IS NULL
