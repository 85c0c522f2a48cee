-- Documents that break a limit, each with its rule. Metadata arrives as the JSON text of an object,
-- because a dictionary directly inside another is encoded again; its values must be texts, numbers
-- and booleans, or lists of them.
WITH documents AS MATERIALIZED (
    SELECT
        row_index,
        element,
        json_extract_string(element, '$."document.id"') AS id,
        json_extract_string(element, '$."document.content"') AS content,
        json_type(element, '$."document.id"') AS id_type,
        json_type(element, '$."document.content"') AS content_type,
        json_type(element, '$."document.metadata"') AS metadata_type,
        json_extract_string(element, '$."document.metadata"') AS metadata
    FROM given
),

metadata AS MATERIALIZED (
    SELECT
        row_index,
        element,
        TRY_CAST(metadata AS JSON) AS metadata
    FROM documents
    WHERE metadata_type IN ('OBJECT', 'VARCHAR', 'ARRAY')
        AND metadata NOT IN ('', '[]')
)

SELECT
    'document.id is longer than 100 characters' AS rule,
    row_index,
    element
FROM documents
WHERE length(id) > 100
UNION ALL
SELECT
    'document.content is longer than 4,000,000 characters',
    row_index,
    element
FROM documents
WHERE length(content) > 4000000
UNION ALL
SELECT
    'document.metadata is no dictionary',
    row_index,
    element
FROM metadata
WHERE COALESCE(json_type(metadata), 'NULL') <> 'OBJECT'
UNION ALL
SELECT
    'document.metadata holds more than texts, numbers, booleans and lists of them',
    row_index,
    element
FROM metadata
WHERE json_type(metadata) = 'OBJECT'
    AND (
        list_has_any(
            list_transform(json_extract(metadata, '$.*'), lambda item: json_type(item)),
            ['NULL', 'OBJECT']
        )
        OR list_has_any(
            list_transform(json_extract(metadata, '$.*[*]'), lambda item: json_type(item)),
            ['NULL', 'OBJECT', 'ARRAY']
        )
    )
UNION ALL
SELECT
    'document.metadata has a list of texts and others',
    row_index,
    element
FROM metadata
WHERE list_bool_or(
    list_transform(
        json_extract(metadata, '$.*'),
        lambda item: len(
            list_distinct(
                list_transform(
                    json_extract(item, '$[*]'),
                    lambda entry: json_type(entry) = 'VARCHAR'
                )
            )
        ) > 1
    )
)
UNION ALL
SELECT
    'document.id is no text',
    row_index,
    element
FROM documents
WHERE id_type NOT IN ('VARCHAR', 'NULL', 'ARRAY', 'OBJECT')
    AND id NOT IN ('0', '0.0', 'false')
UNION ALL
SELECT
    'document.content is no text',
    row_index,
    element
FROM documents
WHERE content_type NOT IN ('VARCHAR', 'NULL', 'ARRAY', 'OBJECT')
    AND content NOT IN ('0', '0.0', 'false')
