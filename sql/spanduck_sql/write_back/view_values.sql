-- Evaluations and annotations are compared as they are.
CREATE VIEW part AS
SELECT
    rowid AS value_id,
    name,
    key_high,
    key_low,
    label_hash,
    score,
    body_hash
FROM value
WHERE error_code IS NULL
