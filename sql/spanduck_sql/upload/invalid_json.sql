-- Which texts are no JSON. NULL counts as JSON.
SELECT
    NOT json_valid(value) AS value
FROM given
