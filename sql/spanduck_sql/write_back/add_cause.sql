INSERT INTO cause
SELECT
    max(id) + 1,
    $status,
    $error_code,
    $reason
FROM cause
RETURNING id
