-- The metadata of each span afterwards; NULL where it had some that is no object.
CREATE TEMP TABLE merged AS
SELECT
    found.table_number,
    found.row_id,
    found.span_id,
    replace(
        CAST(
            CASE
                WHEN is_json_object(found.document)
                THEN json_merge_patch(found.document, asked.patch)
                -- Asked for last: trimming takes half as long as merging.
                WHEN coalesce(trim(found.document), '') = ''
                THEN json_merge_patch('{}', asked.patch)
            END AS VARCHAR
        ),
        getvariable('null_text'),
        'null'
    ) AS document
FROM found
JOIN asked ON asked.span_id = found.span_id
