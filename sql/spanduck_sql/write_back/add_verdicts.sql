INSERT INTO verdict
SELECT
    value_id,
    $cause_id,
    NULL
FROM incoming_ids
