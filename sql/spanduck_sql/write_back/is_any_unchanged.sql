SELECT count(*) > 0
FROM verdict
WHERE cause_id = 5
