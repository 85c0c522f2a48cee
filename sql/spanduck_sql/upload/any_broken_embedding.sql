-- Whether any embedding may break what `check_embeddings` tells. Fails on what is no JSON.
SELECT
    COALESCE(
        bool_or(
            NOT starts_with(ltrim(value), '{')
            OR json_array_length(value, '$."embedding.vector"') = 1
            OR json_array_length(value, '$."embedding.vector"') > 20000
        ),
        FALSE
    ) AS value
FROM given
WHERE value <> ''
