-- What one call says of each (span, level, name), for spans that exist: of rows that repeat one,
-- the last value of each field counts.
CREATE TEMP TABLE said AS
SELECT
    span_id,
    level,
    name,
    last(label ORDER BY ordinal) FILTER (WHERE label IS NOT NULL) AS label,
    last(score ORDER BY ordinal) FILTER (WHERE score IS NOT NULL) AS score,
    last(text ORDER BY ordinal) FILTER (WHERE text IS NOT NULL) AS text,
    last(updated_by ORDER BY ordinal) FILTER (WHERE updated_by IS NOT NULL) AS updated_by,
    last(updated_at ORDER BY ordinal) FILTER (WHERE updated_at IS NOT NULL) AS updated_at
FROM staged
WHERE span_id IN (SELECT span_id FROM spans)
GROUP BY span_id, level, name
