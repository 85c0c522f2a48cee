-- Whether any text is no JSON.
SELECT
    COALESCE(bool_or(NOT json_valid(value)), FALSE) AS value
FROM given
