-- After what the service holds was read anew: what was sent without an answer and is there has arrived; the rest is
-- sent again.
CREATE TEMPORARY TABLE arrived AS
WITH piece AS (
    SELECT
        p.value_id,
        p.key_low,
        -- A span may hold several notes, of which one is enough.
        bool_or(
            h.key_low IS NOT NULL
            AND (p.label_hash IS NULL OR coalesce(p.label_hash = h.label_hash, false))
            AND (p.score IS NULL OR coalesce(p.score = h.score, false))
            AND (p.body_hash IS NULL OR coalesce(p.body_hash = h.body_hash, false))
        ) AS is_there
    FROM part AS p
    SEMI JOIN doubt AS d
        ON d.value_id = p.value_id
    LEFT JOIN seen AS h
        ON h.key_low = p.key_low
        AND h.key_high = p.key_high
    GROUP BY p.value_id, p.key_low
)
SELECT
    value_id,
    bool_and(is_there) AS is_there
FROM piece
GROUP BY value_id;

DELETE FROM sending;

INSERT INTO sending
SELECT value_id
FROM arrived
WHERE NOT is_there;

DELETE FROM doubt;

DROP TABLE arrived;
