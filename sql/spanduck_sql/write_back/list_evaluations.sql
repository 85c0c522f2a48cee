-- Numbers the evaluations that have values to send, in the order they were first seen.
INSERT INTO evaluation
WITH seen AS (
    SELECT
        v.level,
        v.name,
        min(v.rowid) AS first_id,
        count(v.label) > 0 AS has_label,
        count(v.score) > 0 AS has_score,
        count(v.explanation) > 0 AS has_explanation
    FROM value AS v
    ANTI JOIN verdict AS d
        ON d.value_id = v.rowid
    WHERE v.error_code IS NULL
    GROUP BY v.level, v.name
),
numbered AS (
    SELECT
        *,
        row_number() OVER (ORDER BY first_id) - 1 AS position
    FROM seen
)
SELECT
    level,
    name,
    position // $names_per_call AS call_group,
    position % $names_per_call AS slot,
    has_label,
    has_score,
    has_explanation
FROM numbered;
