INSERT INTO doubt
SELECT value_id
FROM incoming_ids
