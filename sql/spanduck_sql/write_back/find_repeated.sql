-- Finds the values of `collision` that name one value of one span more than once. No text is grouped or joined: texts
-- of aggregates and joins stay in memory, and a body is long.
CREATE TEMPORARY TABLE candidate AS
SELECT
    v.value_id,
    v.row,
    v.key_high,
    v.key_low,
    -- Adding zero makes one number of 0.0 and -0.0.
    md5_number(
        concat(coalesce(CAST(v.label_hash AS VARCHAR), '-'), ':', v.score + 0, ':', v.body_hash)
    ) AS content
FROM value AS v
SEMI JOIN collision AS c
    ON c.quick_key = v.quick_key
WHERE v.error_code IS NULL
    AND v.value_id NOT IN (SELECT value_id FROM verdict);

CREATE TEMPORARY TABLE repeated_key AS
SELECT
    key_high,
    key_low,
    min(value_id) AS first_id,
    min(row) AS first_row,
    min(content) = max(content) AS is_equal
FROM candidate
GROUP BY key_high, key_low
HAVING count(*) > 1;

INSERT INTO verdict
SELECT
    c.value_id,
    CASE
        WHEN r.is_equal THEN 1
        WHEN c.value_id <> r.first_id THEN 2
        ELSE 3
    END AS cause_id,
    r.first_row AS other_row
FROM candidate AS c
JOIN repeated_key AS r
    ON r.key_high = c.key_high
    AND r.key_low = c.key_low
WHERE NOT r.is_equal
    OR c.value_id <> r.first_id;

DROP TABLE candidate;

DROP TABLE repeated_key;
