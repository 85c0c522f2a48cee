SELECT count(*)
FROM sending
