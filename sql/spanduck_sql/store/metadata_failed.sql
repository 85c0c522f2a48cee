-- Rows that changed nothing, in the order of the call, and why. The first words are the protocol's.
SELECT
    patches.span_id,
    CASE
        WHEN NOT patches.is_object THEN 'parse_failure: the patch is no JSON object'
        WHEN patches.patch IS NULL THEN 'patch_failure: the patch has a key twice'
        WHEN merged.span_id IS NULL
        THEN 'segment_not_found: the project has no span of this id'
        ELSE 'type_conflict: attributes.metadata of the span is no JSON object'
    END AS reason
FROM patches
LEFT JOIN merged ON merged.span_id = patches.span_id
WHERE patches.patch IS NULL OR merged.document IS NULL
ORDER BY patches.ordinal
