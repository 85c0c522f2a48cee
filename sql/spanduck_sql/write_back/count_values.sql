SELECT count(*)
FROM value
