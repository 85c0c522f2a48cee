SELECT count(*)
FROM collision
