-- What the valid values of metadata say, key by key.
CREATE TABLE part (
    value_id BIGINT,
    name VARCHAR,
    key_high UBIGINT,
    key_low UBIGINT,
    label_hash UBIGINT,
    score DOUBLE,
    body_hash UBIGINT
);

INSERT INTO part
SELECT
    v.value_id,
    v.name,
    v.key_high,
    v.key_low,
    v.label_hash,
    v.score,
    v.body_hash
FROM value AS v
ANTI JOIN verdict AS d
    ON d.value_id = v.value_id
WHERE v.error_code IS NULL
    AND v.name IS NOT NULL;
