-- What a call asks for, row by row: patches of nothing but texts and numbers, with a text of the
-- call's own in place of null, which merging would take for "remove". `patch` is NULL where the
-- document is no object, or has a key twice. Parts rather than one CASE, in which functions of
-- lists take twice as long, and a table rather than a CTE, which one thread alone would read.
CREATE TEMP TABLE objects AS
SELECT
    span_id,
    rowid AS ordinal,
    document,
    has_repeated_key(document) AS is_repeated,
    is_special_patch(document) AS is_special
FROM wide
WHERE is_json_object(document);

CREATE TEMP TABLE patches AS
SELECT span_id, rowid AS ordinal, FALSE AS is_object, CAST(NULL AS VARCHAR) AS patch
FROM wide
WHERE NOT is_json_object(document)
UNION ALL
SELECT span_id, ordinal, TRUE, CASE WHEN NOT is_repeated THEN document END
FROM objects
WHERE is_repeated OR NOT is_special
UNION ALL
SELECT span_id, ordinal, TRUE, metadata_patch(document, getvariable('null_text'))
FROM objects
WHERE is_special AND NOT is_repeated
