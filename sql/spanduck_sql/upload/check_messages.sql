-- Messages of a language model that break a limit: for each rule the first list and how many.
WITH messages AS MATERIALIZED (
    SELECT
        row_index,
        element,
        json_extract_string(element, '$."message.role"') AS role,
        json_extract_string(element, '$."message.content"') AS content,
        json_extract(element, '$."message.tool_calls"[*]') AS tool_calls
    FROM (
        SELECT
            row_index,
            unnest(value) AS element
        FROM given
    )
    WHERE length(element) > 100
        OR contains(element, 'message.tool_calls')
),

functions AS MATERIALIZED (
    SELECT
        row_index,
        element,
        json_extract_string(tool_call, '$."tool_call.function.name"') AS name,
        json_extract_string(tool_call, '$."tool_call.function.arguments"') AS arguments
    FROM (
        SELECT
            row_index,
            element,
            unnest(tool_calls) AS tool_call
        FROM messages
        WHERE len(tool_calls) > 0
    )
),

broken AS (
    SELECT
        'message.role is longer than 100 characters' AS rule,
        row_index,
        element
    FROM messages
    WHERE length(role) > 100
    UNION ALL
    SELECT
        'message.content is longer than 4,000,000 characters',
        row_index,
        element
    FROM messages
    WHERE length(content) > 4000000
    UNION ALL
    SELECT
        'tool_call.function.name is longer than 500 characters',
        row_index,
        element
    FROM functions
    WHERE length(name) > 500
    UNION ALL
    SELECT
        'tool_call.function.arguments is longer than 4,000,000 characters',
        row_index,
        element
    FROM functions
    WHERE length(arguments) > 4000000
    UNION ALL
    SELECT
        'tool_call.function.arguments is no valid JSON',
        row_index,
        element
    FROM functions
    WHERE arguments <> ''
        AND NOT json_valid(arguments)
)

SELECT
    rule,
    min(row_index) AS row_index,
    arg_min(element, row_index) AS element,
    count(DISTINCT row_index) AS lists
FROM broken
GROUP BY rule
ORDER BY rule
