-- Evaluations and annotations are compared as they are.
CREATE VIEW part AS
SELECT
    value_id,
    name,
    key_high,
    key_low,
    label_hash,
    score,
    body_hash
FROM value
WHERE error_code IS NULL
    AND NOT is_known;

-- What the state keeps of a value.
CREATE VIEW entry AS
SELECT
    value_id,
    row,
    span_id,
    level,
    name,
    key_high,
    key_low,
    label_hash,
    score,
    body_hash,
    key_high AS value_high,
    key_low AS value_low,
    quick_key,
    quick_value
FROM value
