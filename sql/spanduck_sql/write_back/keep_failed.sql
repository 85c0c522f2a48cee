-- Leaves out of the queue what no earlier run failed to write.
CREATE TEMPORARY TABLE kept AS
SELECT DISTINCT q.value_id
FROM value AS v
JOIN queue AS q
    ON q.value_id = v.value_id
SEMI JOIN failed AS f
    ON f.key_low = v.key_low
    AND f.key_high = v.key_high;

INSERT INTO verdict
SELECT q.value_id, 6, NULL
FROM queue AS q
ANTI JOIN kept AS k
    ON k.value_id = q.value_id;

DELETE FROM queue
WHERE value_id NOT IN (SELECT value_id FROM kept);

DROP TABLE kept;
