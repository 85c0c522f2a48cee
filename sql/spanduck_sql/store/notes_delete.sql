DELETE FROM notes AS stored
USING merged_notes AS merged
WHERE stored.span_id = merged.span_id
