DELETE FROM annotations AS stored
USING merged
WHERE stored.span_id = merged.span_id AND stored.level = merged.level AND stored.name = merged.name
