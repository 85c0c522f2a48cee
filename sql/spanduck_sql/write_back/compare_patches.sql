-- Compares all metadata with what is held: a patch differs if one of its keys does.
CREATE OR REPLACE TEMPORARY TABLE compared AS
SELECT
    p.value_id,
    bool_or(h.key_low IS NOT NULL) AS is_held,
    bool_and(h.key_low IS NOT NULL AND coalesce(p.body_hash = h.body_hash, false)) AS is_same
FROM part AS p
LEFT JOIN held AS h
    ON h.key_low = p.key_low
    AND h.key_high = p.key_high
GROUP BY p.value_id;
