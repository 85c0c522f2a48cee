-- Embeddings that break a limit, each with its rule.
WITH embeddings AS MATERIALIZED (
    SELECT
        row_index,
        element,
        json_array_length(element, '$."embedding.vector"') AS dimensions,
        json_type(element, '$."embedding.vector"') AS vector_type,
        json_extract_string(element, '$."embedding.text"') AS text,
        json_type(element, '$."embedding.text"') AS text_type
    FROM given
)

SELECT
    'embedding.vector has one dimension' AS rule,
    row_index,
    element
FROM embeddings
WHERE vector_type = 'ARRAY'
    AND dimensions = 1
UNION ALL
SELECT
    'embedding.vector has more than 20,000 dimensions',
    row_index,
    element
FROM embeddings
WHERE dimensions > 20000
UNION ALL
SELECT
    'embedding.text is longer than 4,000,000 characters',
    row_index,
    element
FROM embeddings
WHERE length(text) > 4000000
UNION ALL
SELECT
    'embedding.text is no text',
    row_index,
    element
FROM embeddings
WHERE text_type NOT IN ('VARCHAR', 'NULL', 'ARRAY', 'OBJECT')
    AND text NOT IN ('0', '0.0', 'false')
UNION ALL
SELECT
    'embedding.vector is no list',
    row_index,
    element
FROM embeddings
WHERE vector_type NOT IN ('ARRAY', 'NULL', 'VARCHAR', 'OBJECT')
