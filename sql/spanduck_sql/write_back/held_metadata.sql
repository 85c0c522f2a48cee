-- Takes `document`, the metadata of some spans, and gives a row for each wanted key that a span has, with the value's
-- JSON text as it is held. The keys are whole: a dot in one is no path.
SELECT
    span_id,
    'span' AS level,
    name,
    CAST(NULL AS VARCHAR) AS label,
    CAST(NULL AS DOUBLE) AS score,
    body
FROM (
    SELECT
        span_id,
        unnest($keys) AS name,
        unnest(CAST(json_extract(document, $pointers) AS VARCHAR[])) AS body
    FROM document
    WHERE json_type(document) = 'OBJECT'
)
WHERE body IS NOT NULL;
