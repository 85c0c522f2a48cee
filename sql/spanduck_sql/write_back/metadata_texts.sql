-- Takes `document`, the metadata of some spans, and gives the value that lies at the first of some places where there
-- is one, as text. `value` is there already for a service that has a column of its own for it.
SELECT
    span_id,
    coalesce(
        value,
        list_filter(json_extract_string(document, $pointers), lambda text: text IS NOT NULL)[1]
    ) AS value
FROM document;
