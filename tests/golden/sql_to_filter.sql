# title: a comparison
# dialect: duckdb
status_code = 'ERROR';
status_code = 'ERROR';

# title: a dotted name without quotes
# dialect: duckdb
attributes.llm.model_name = 'gpt-4o';
attributes.llm.model_name = 'gpt-4o';

# title: a name of five parts
# dialect: duckdb
"attributes.llm.token_count.total" > 1000;
attributes.llm.token_count.total > 1000;

# title: an alias
# dialect: duckdb
span_kind = 'LLM';
attributes.openinference.span.kind = 'LLM';

# title: a constant first
# dialect: duckdb
5 < latency_ms;
latency_ms > 5;

# title: functions that search
# dialect: duckdb
contains(name, 'x') AND strpos(name, 'y') > 0 AND starts_with(name, 'z');
name CONTAINS 'x' AND name CONTAINS 'y' AND name LIKE 'z%';

# title: a cast that the language does itself
# dialect: duckdb
CAST("attributes.env" AS VARCHAR) = 'prod';
attributes.env = 'prod';

# title: a number in text
# dialect: duckdb
TRY_CAST("attributes.retry" AS DOUBLE) >= 3;
attributes.retry >= 3;

# title: a boolean in text
# dialect: duckdb
TRY_CAST(CAST("attributes.flag" AS VARCHAR) AS BOOLEAN) = TRUE;
attributes.flag = true;

# title: NaN as missing
# dialect: duckdb
NULLIF(CAST("eval.x.score" AS DOUBLE), CAST('NaN' AS DOUBLE)) < 0.5;
eval.x.score < 0.5;

# title: a time
# dialect: duckdb
start_time >= TIMESTAMPTZ '2024-05-01 10:00:00+00:00';
start_time >= '2024-05-01T10:00:00Z';

# title: negations
# dialect: duckdb
NOT (name LIKE 'x%' OR name IN ('a', 'b')) AND parent_id IS NOT NULL;
NOT (name LIKE 'x%' OR name IN ('a', 'b')) AND parent_id IS NOT NULL;

# title: a function
# dialect: duckdb
# unsupported: LOWER(name) = 'x' has no text in the filter language
lower(name) = 'x';

# title: arithmetic
# dialect: duckdb
# unsupported: latency_ms + 1 > 5 has no text in the filter language
latency_ms + 1 > 5;

# title: two columns
# dialect: duckdb
# unsupported: name = parent_id has no text in the filter language
name = parent_id;

# title: a comparison with NULL
# dialect: duckdb
# unsupported: name = NULL has no text in the filter language
name = NULL;

# title: a constant
# dialect: duckdb
# unsupported: TRUE has no text in the filter language
TRUE;

# title: a subquery
# dialect: duckdb
# unsupported: name IN (SELECT 1) has no text in the filter language
name IN (SELECT 1);

# title: an unknown name
# dialect: duckdb
# unsupported: unknown field 'foo'
foo = 'x';

# title: a value of another type
# dialect: duckdb
# unsupported: latency_ms is a number, found a string
latency_ms > 'fast';

# title: a cast with a value of another type
# dialect: duckdb
# unsupported: CAST("attributes.env" AS TEXT) = 5 has no text in the filter language
CAST("attributes.env" AS VARCHAR) = 5;

# title: a query
# dialect: duckdb
# unsupported: SELECT 1 has no text in the filter language
SELECT 1;

# title: a parameter
# dialect: duckdb
# unsupported: name = ? has no text in the filter language
name = ?;
