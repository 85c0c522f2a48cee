-- Field by field: a field the call does not speak of keeps its stored value. (An assumption of
-- this server. What a null field does at the real service is not known.)
CREATE TEMP TABLE merged AS
SELECT
    stored.rowid AS place,
    said.span_id,
    said.level,
    said.name,
    coalesce(said.label, stored.label) AS label,
    coalesce(said.score, stored.score) AS score,
    coalesce(said.explanation, stored.explanation) AS explanation
FROM said
LEFT JOIN evaluations AS stored
    ON stored.span_id = said.span_id AND stored.level = said.level AND stored.name = said.name
