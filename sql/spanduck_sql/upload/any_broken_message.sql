-- Whether any message breaks what `check_messages` tells, but for its tool calls and its length.
-- Fails on what is no JSON.
SELECT
    COALESCE(
        bool_or(
            NOT starts_with(ltrim(value), '{')
            OR length(json_extract_string(value, '$."message.role"')) > 100
        ),
        FALSE
    ) AS value
FROM given
WHERE value <> ''
