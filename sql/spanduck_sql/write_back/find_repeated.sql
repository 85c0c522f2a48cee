-- Finds the valid values that name one evaluation of one span more than once. Short hashes find the few candidates
-- in little memory; those are compared by digests of 128 bits. No text is grouped or joined: texts of aggregates and
-- joins stay in memory, and an explanation is long.
CREATE TEMPORARY TABLE collision AS
SELECT hash(span_id, level, name) AS key_hash
FROM value
WHERE error_code IS NULL
GROUP BY key_hash
HAVING count(*) > 1;

CREATE TEMPORARY TABLE candidate AS
SELECT
    v.rowid AS value_id,
    v.row,
    md5_number(concat(v.level, ':', length(v.name), ':', v.name, v.span_id)) AS key,
    -- Adding zero makes one number of 0.0 and -0.0.
    md5_number(
        concat(
            coalesce(length(v.label), -1), ':', v.label, ':',
            v.score + 0, ':',
            coalesce(length(v.explanation), -1), ':', v.explanation
        )
    ) AS content
FROM value AS v
SEMI JOIN collision AS c
    ON c.key_hash = hash(v.span_id, v.level, v.name)
WHERE v.error_code IS NULL;

CREATE TEMPORARY TABLE repeated_key AS
SELECT
    key,
    min(value_id) AS first_id,
    min(row) AS first_row,
    min(content) = max(content) AS is_equal
FROM candidate
GROUP BY key
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
    ON r.key = c.key
WHERE NOT r.is_equal
    OR c.value_id <> r.first_id;

DROP TABLE collision;

DROP TABLE candidate;

DROP TABLE repeated_key;
