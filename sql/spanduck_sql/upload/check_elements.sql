-- The first list, and how many lists, with an element that is no JSON object. An empty text stands
-- for no element.
SELECT
    'an element is no JSON object' AS rule,
    row_index,
    element,
    lists
FROM (
    SELECT
        min(row_index) AS row_index,
        arg_min(element, row_index) AS element,
        count(DISTINCT row_index) AS lists
    FROM (
        SELECT
            row_index,
            unnest(value) AS element
        FROM given
    )
    WHERE element <> ''
        AND COALESCE(json_type(TRY_CAST(element AS JSON)), 'NULL') <> 'OBJECT'
)
WHERE lists > 0
