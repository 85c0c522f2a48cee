-- The metadata of each span afterwards; NULL where it had some that is no object.
CREATE TEMP TABLE merged AS
SELECT
    found.table_number,
    found.row_id,
    found.span_id,
    CASE
        WHEN coalesce(trim(found.document), '') = '' OR is_json_object(found.document)
        THEN replace(
            CAST(
                json_merge_patch(coalesce(nullif(trim(found.document), ''), '{}'), asked.patch)
                AS VARCHAR
            ),
            getvariable('null_text'),
            'null'
        )
    END AS document
FROM found
JOIN asked ON asked.span_id = found.span_id
