-- Whether any document may break what `check_documents` tells. Fails on what is no JSON. Metadata
-- in which no null, list or object can be seen is not taken apart.
SELECT
    COALESCE(
        bool_or(
            NOT starts_with(ltrim(value), '{')
            OR length(id) > 100
            -- A number or a boolean where a text belongs.
            OR regexp_matches(value, '"document\.(id|content)"\s*:\s*[-0-9tf]')
            OR CASE
                WHEN metadata IS NULL OR metadata = '' THEN FALSE
                WHEN starts_with(metadata, '{')
                    AND NOT contains(metadata, 'null')
                    AND NOT contains(metadata, '[')
                    AND NOT contains(substr(metadata, 2), '{')
                    THEN NOT json_valid(metadata)
                ELSE COALESCE(
                    json_type(TRY_CAST(metadata AS JSON)) <> 'OBJECT'
                    OR list_has_any(
                        list_transform(
                            json_extract(TRY_CAST(metadata AS JSON), '$.*'),
                            lambda item: json_type(item)
                        ),
                        ['NULL', 'OBJECT', 'ARRAY']
                    ),
                    TRUE
                )
            END
        ),
        FALSE
    ) AS value
FROM (
    SELECT
        value,
        json_extract_string(value, '$."document.id"') AS id,
        json_extract_string(value, '$."document.metadata"') AS metadata
    FROM given
    WHERE value <> ''
)
