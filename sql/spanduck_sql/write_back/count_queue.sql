-- How many values of the queue the service did not have, and had otherwise: all of them, and those not refused.
SELECT
    count(*) FILTER (WHERE q.is_new),
    count(*) FILTER (WHERE NOT q.is_new),
    count(*) FILTER (WHERE q.is_new AND d.value_id IS NULL),
    count(*) FILTER (WHERE NOT q.is_new AND d.value_id IS NULL)
FROM queue AS q
LEFT JOIN verdict AS d
    ON d.value_id = q.value_id
