-- Whether any message breaks what `check_messages` tells, but for its tool calls and its length.
-- Fails on what is no JSON.
SELECT
    COALESCE(
        bool_or(
            NOT starts_with(ltrim(value), '{')
            OR length(json_extract_string(value, '$."message.role"')) > 100
            -- A number or a boolean where a text belongs, or anything but a list of calls.
            OR regexp_matches(value, '"message\.(role|content)"\s*:\s*[-0-9tf]')
            OR regexp_matches(value, '"message\.tool_calls"\s*:\s*[^\s\[n]')
        ),
        FALSE
    ) AS value
FROM given
WHERE value <> ''
