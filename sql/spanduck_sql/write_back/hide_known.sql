DELETE FROM value
WHERE is_known
