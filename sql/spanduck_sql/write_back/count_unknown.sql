SELECT count(*)
FROM part
