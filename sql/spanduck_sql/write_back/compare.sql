-- Compares a bucket of the values with what is held: a null field says nothing, so it is no difference. A span may
-- hold several notes, of which one is enough.
CREATE OR REPLACE TEMPORARY TABLE compared AS
SELECT
    p.value_id,
    bool_or(h.key_low IS NOT NULL) AS is_held,
    bool_or(
        h.key_low IS NOT NULL
        AND (p.label_hash IS NULL OR coalesce(p.label_hash = h.label_hash, false))
        AND (p.score IS NULL OR coalesce(p.score = h.score, false))
        AND (p.body_hash IS NULL OR coalesce(p.body_hash = h.body_hash, false))
    ) AS is_same
FROM (
    SELECT p.*
    FROM part AS p
    ANTI JOIN verdict AS d
        ON d.value_id = p.value_id
    WHERE p.key_low % getvariable('buckets') = getvariable('bucket')
) AS p
LEFT JOIN (
    SELECT key_high, key_low, label_hash, score, body_hash
    FROM held
    WHERE key_low % getvariable('buckets') = getvariable('bucket')
) AS h
    ON h.key_low = p.key_low
    AND h.key_high = p.key_high
GROUP BY p.value_id;
