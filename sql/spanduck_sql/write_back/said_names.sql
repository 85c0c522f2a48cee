SELECT DISTINCT
    v.level,
    p.name
FROM part AS p
JOIN value AS v
    ON v.value_id = p.value_id
ORDER BY v.level, p.name
