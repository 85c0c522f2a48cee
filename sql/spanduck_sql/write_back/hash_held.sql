-- Takes `incoming_held`, what the service says that it holds, and makes it what is compared.
WITH keyed AS (
    SELECT
        key_of(span_id, level, name) AS key,
        label,
        score,
        -- Of metadata as it stands: what is not in the stored form would be changed by sending it.
        body
    FROM incoming_held
)
SELECT
    high(key) AS key_high,
    low(key) AS key_low,
    digest(label) AS label_hash,
    score,
    digest(body) AS body_hash
FROM keyed
