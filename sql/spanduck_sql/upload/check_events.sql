-- Events that break a limit, each with its rule. Attributes arrive as the JSON text of an object,
-- because a dictionary directly inside another is encoded again.
WITH events AS MATERIALIZED (
    SELECT
        row_index,
        element,
        json_extract_string(element, '$.name') AS name,
        json_type(element, '$.name') AS name_type,
        json_extract(element, '$.attributes') AS attributes
    FROM given
)

SELECT
    'name of an event is longer than 100 characters' AS rule,
    row_index,
    element
FROM events
WHERE length(name) > 100
UNION ALL
SELECT
    'attributes of an event are no dictionary',
    row_index,
    element
FROM events
WHERE CASE json_type(attributes)
    WHEN 'NULL' THEN FALSE
    WHEN 'OBJECT' THEN FALSE
    WHEN 'VARCHAR' THEN
        json_extract_string(attributes, '$') <> ''
        AND COALESCE(
            json_type(TRY_CAST(json_extract_string(attributes, '$') AS JSON)), 'NULL'
        ) <> 'OBJECT'
    WHEN 'ARRAY' THEN json_array_length(attributes) > 0
    ELSE json_extract_string(attributes, '$') NOT IN ('0', '0.0', 'false')
END
UNION ALL
SELECT
    'name of an event is no text',
    row_index,
    element
FROM events
WHERE name_type NOT IN ('VARCHAR', 'NULL', 'ARRAY', 'OBJECT')
    AND name NOT IN ('0', '0.0', 'false')
