-- Field by field: a field the call does not speak of keeps its stored value. REST promises that;
-- over Flight it is an assumption of this server.
CREATE TEMP TABLE merged AS
SELECT
    stored.rowid AS place,
    said.span_id,
    said.level,
    said.name,
    coalesce(said.label, stored.label) AS label,
    coalesce(said.score, stored.score) AS score,
    coalesce(said.text, stored.text) AS text,
    coalesce(said.updated_by, stored.updated_by) AS updated_by,
    said.updated_at
FROM said
LEFT JOIN annotations AS stored
    ON stored.span_id = said.span_id AND stored.level = said.level AND stored.name = said.name
