-- Whether any event may break what `check_events` tells. Fails on what is no JSON.
SELECT
    COALESCE(
        bool_or(
            NOT starts_with(ltrim(value), '{')
            OR length(json_extract_string(value, '$.name')) > 100
            -- A number or a boolean where a text belongs.
            OR regexp_matches(value, '"name"\s*:\s*[-0-9tf]')
            OR NOT (
                COALESCE(json_type(value, '$.attributes'), 'NULL') IN ('NULL', 'OBJECT')
                OR (
                    json_type(value, '$.attributes') = 'VARCHAR'
                    AND COALESCE(
                        json_type(TRY_CAST(json_extract_string(value, '$.attributes') AS JSON)),
                        'NULL'
                    ) = 'OBJECT'
                )
            )
        ),
        FALSE
    ) AS value
FROM given
WHERE value <> ''
