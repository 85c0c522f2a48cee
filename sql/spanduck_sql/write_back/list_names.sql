-- Numbers the names that have values to send, in the order they were first seen.
INSERT INTO sent_name
WITH seen AS (
    SELECT
        v.level,
        v.name,
        min(v.value_id) AS first_id,
        count(v.label) > 0 AS has_label,
        count(v.score) > 0 AS has_score,
        count(v.body) > 0 AS has_body
    FROM value AS v
    SEMI JOIN queue AS q
        ON q.value_id = v.value_id
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
    has_body
FROM numbered;
