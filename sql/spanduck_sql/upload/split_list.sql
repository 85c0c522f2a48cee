-- A JSON list as the texts of its elements; an object counts as a list of one. NULL, and what is
-- neither, become NULL.
SELECT
    CASE json_type(TRY_CAST(value AS JSON))
        WHEN 'ARRAY' THEN CAST(CAST(value AS JSON) AS VARCHAR[])
        WHEN 'OBJECT' THEN [value]
    END AS value
FROM given
