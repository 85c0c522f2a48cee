-- Elements that are no JSON object.
SELECT
    'an element is no JSON object' AS rule,
    row_index,
    element
FROM given
WHERE COALESCE(json_type(TRY_CAST(element AS JSON)), 'NULL') <> 'OBJECT'
