-- Takes `note`, the notes of some spans as JSON texts, one a row, and gives the text of each.
SELECT
    span_id,
    'span' AS level,
    $name AS name,
    CAST(NULL AS VARCHAR) AS label,
    CAST(NULL AS DOUBLE) AS score,
    coalesce(json_extract_string(note, '/text'), json_extract_string(note, '$')) AS body
FROM note;
