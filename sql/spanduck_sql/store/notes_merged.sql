-- Notes are added to those that are there. (An assumption of this server: whether the real service
-- replaces them is not known.)
CREATE TEMP TABLE merged_notes AS
SELECT
    said.span_id,
    coalesce(stored.notes, []) || said.notes AS notes
FROM (
    SELECT span_id, flatten(list(notes ORDER BY ordinal)) AS notes
    FROM staged_notes
    WHERE span_id IN (SELECT span_id FROM spans)
    GROUP BY span_id
) AS said
LEFT JOIN notes AS stored
    ON stored.span_id = said.span_id
