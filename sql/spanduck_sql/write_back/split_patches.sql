-- The keys of the patches that have no name of their own.
INSERT INTO part
WITH said AS (
    SELECT
        v.value_id,
        v.span_id,
        e.key AS name,
        digest(stored_form(CAST(e.value AS VARCHAR))) AS body_hash
    FROM value AS v, json_each(v.body) AS e
    WHERE v.error_code IS NULL
        AND v.name IS NULL
),
keyed AS (
    SELECT
        value_id,
        name,
        key_of(span_id, 'span', name) AS key,
        body_hash
    FROM said
)
SELECT
    k.value_id,
    k.name,
    high(k.key),
    low(k.key),
    NULL,
    NULL,
    k.body_hash
FROM keyed AS k
ANTI JOIN verdict AS d
    ON d.value_id = k.value_id;

-- What the state keeps of a value, key by key.
CREATE VIEW entry AS
SELECT
    v.value_id,
    v.row,
    v.span_id,
    v.level,
    p.name,
    p.key_high,
    p.key_low,
    p.label_hash,
    p.score,
    p.body_hash,
    v.key_high AS value_high,
    v.key_low AS value_low,
    v.quick_key,
    v.quick_value
FROM value AS v
JOIN part AS p
    ON p.value_id = v.value_id
