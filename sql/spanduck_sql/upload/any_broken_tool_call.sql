-- Whether any tool call of a message breaks what `check_messages` tells. Fails on what is no JSON.
SELECT
    COALESCE(
        bool_or(
            json_type(tool_call) <> 'OBJECT'
            OR COALESCE(json_type(tool_call, '$."tool_call.function.name"'), 'NULL')
                NOT IN ('VARCHAR', 'NULL')
            OR COALESCE(json_type(tool_call, '$."tool_call.function.arguments"'), 'NULL')
                NOT IN ('VARCHAR', 'NULL')
            OR length(json_extract_string(tool_call, '$."tool_call.function.name"')) > 500
            OR (
                json_extract_string(tool_call, '$."tool_call.function.arguments"') <> ''
                AND NOT json_valid(
                    json_extract_string(tool_call, '$."tool_call.function.arguments"')
                )
            )
        ),
        FALSE
    ) AS value
FROM (
    SELECT
        unnest(json_extract(value, '$."message.tool_calls"[*]')) AS tool_call
    FROM given
    WHERE contains(value, 'message.tool_calls')
)
