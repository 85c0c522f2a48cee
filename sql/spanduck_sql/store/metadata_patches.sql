-- What a call asks for, row by row: patches of nothing but texts and numbers, with a text of the
-- call's own in place of null, which merging would take for "remove".
CREATE TEMP TABLE patches AS
SELECT
    span_id,
    rowid AS ordinal,
    is_json_object(document) AS is_object,
    CASE
        WHEN NOT is_json_object(document) THEN NULL
        WHEN is_special_patch(document) THEN metadata_patch(document, getvariable('null_text'))
        ELSE document
    END AS patch
FROM wide
