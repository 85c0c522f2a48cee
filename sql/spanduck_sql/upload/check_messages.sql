-- Messages of a language model that break a limit, each with its rule.
WITH messages AS MATERIALIZED (
    SELECT
        row_index,
        element,
        json_extract_string(element, '$."message.role"') AS role,
        json_extract_string(element, '$."message.content"') AS content,
        json_type(element, '$."message.role"') AS role_type,
        json_type(element, '$."message.content"') AS content_type,
        json_type(element, '$."message.tool_calls"') AS tool_calls_type,
        json_extract_string(element, '$."message.tool_calls"') AS tool_calls_text,
        json_extract(element, '$."message.tool_calls"[*]') AS tool_calls
    FROM given
),

functions AS MATERIALIZED (
    SELECT
        row_index,
        element,
        json_extract_string(tool_call, '$."tool_call.function.name"') AS name,
        json_extract_string(tool_call, '$."tool_call.function.arguments"') AS arguments,
        json_type(tool_call) AS call_type,
        json_type(tool_call, '$."tool_call.function.name"') AS name_type,
        json_type(tool_call, '$."tool_call.function.arguments"') AS arguments_type
    FROM (
        SELECT
            row_index,
            element,
            unnest(tool_calls) AS tool_call
        FROM messages
        WHERE len(tool_calls) > 0
    )
)

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
UNION ALL
SELECT
    'tool_call.function.arguments is no JSON text',
    row_index,
    element
FROM functions
WHERE arguments_type NOT IN ('VARCHAR', 'NULL')
    AND arguments NOT IN ('0', '0.0', 'false', '[]', '{}')
UNION ALL
SELECT
    'message.tool_calls is no list of dictionaries',
    row_index,
    element
FROM messages
WHERE tool_calls_type NOT IN ('ARRAY', 'NULL')
    AND tool_calls_text NOT IN ('', '0', '0.0', 'false', '{}')
UNION ALL
SELECT
    'message.tool_calls is no list of dictionaries',
    row_index,
    element
FROM functions
WHERE call_type <> 'OBJECT'
UNION ALL
SELECT
    'message.role is no text',
    row_index,
    element
FROM messages
WHERE role_type NOT IN ('VARCHAR', 'NULL', 'ARRAY', 'OBJECT')
    AND role NOT IN ('0', '0.0', 'false')
UNION ALL
SELECT
    'message.content is no text',
    row_index,
    element
FROM messages
WHERE content_type NOT IN ('VARCHAR', 'NULL', 'ARRAY', 'OBJECT')
    AND content NOT IN ('0', '0.0', 'false')
UNION ALL
SELECT
    'tool_call.function.name is no text',
    row_index,
    element
FROM functions
WHERE name_type NOT IN ('VARCHAR', 'NULL', 'ARRAY', 'OBJECT')
    AND name NOT IN ('0', '0.0', 'false')
