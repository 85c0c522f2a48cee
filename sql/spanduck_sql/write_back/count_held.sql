SELECT count(*)
FROM held
