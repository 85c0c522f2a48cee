-- Leaves out of the queue what comes after so many values, in the model's order.
CREATE TEMPORARY TABLE bound AS
SELECT value_id
FROM queue
ORDER BY value_id
LIMIT 1 OFFSET getvariable('most_values');

INSERT INTO verdict
SELECT value_id, 6, NULL
FROM queue
WHERE value_id >= (SELECT value_id FROM bound);

DELETE FROM queue
WHERE value_id >= (SELECT value_id FROM bound);

DROP TABLE bound;
