-- Annotations of one call by id, in the shape that is merged.
CREATE TEMP TABLE staged AS
SELECT
    record_id AS span_id,
    $level AS level,
    name,
    label,
    score,
    text,
    $updated_by AS updated_by,
    CAST(NULL AS TIMESTAMP) AS updated_at,
    ordinal
FROM said_by_id
