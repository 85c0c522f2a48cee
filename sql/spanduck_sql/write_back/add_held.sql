-- Takes `incoming_held`, hashes of what the service holds.
INSERT INTO held
SELECT
    key_high,
    key_low,
    label_hash,
    score,
    body_hash
FROM incoming_held
