-- Whether any text is no JSON object; an empty one counts as none at all.
SELECT
    COALESCE(bool_or(NOT (starts_with(ltrim(value), '{') AND json_valid(value))), FALSE) AS value
FROM given
WHERE value <> ''
