-- Whether any embedding may break what `check_embeddings` tells. Fails on what is no JSON.
SELECT
    COALESCE(
        bool_or(
            NOT starts_with(ltrim(value), '{')
            -- A number or a boolean where a list or a text belongs.
            OR regexp_matches(value, '"embedding\.(vector|text)"\s*:\s*[-0-9tf]')
            OR json_array_length(value, '$."embedding.vector"') = 1
            OR json_array_length(value, '$."embedding.vector"') > 20000
        ),
        FALSE
    ) AS value
FROM given
WHERE value <> ''
