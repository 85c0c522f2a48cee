-- Fields that a value does not say stay as they were.
CREATE OR REPLACE TEMPORARY TABLE spanduck_merged AS
SELECT
    e.span_id,
    e.level,
    e.name,
    e.key_high,
    e.key_low,
    coalesce(e.label_hash, h.label_hash) AS label_hash,
    coalesce(e.score, h.score) AS score,
    coalesce(e.body_hash, h.body_hash) AS body_hash,
    e.quick_key,
    e.quick_value
FROM incoming_entries AS e
LEFT JOIN (
    SELECT key_high, key_low, label_hash, score, body_hash
    FROM spanduck_state.held
    WHERE target = $target
) AS h
    ON h.key_low = e.key_low
    AND h.key_high = e.key_high
