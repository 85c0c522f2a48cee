# title: a comparison
# dialect: duckdb
status_code = 'ERROR';
"status_code" = 'ERROR';

# title: a comparison
# dialect: snowflake
status_code = 'ERROR';
"status_code" = 'ERROR';

# title: a comparison
# dialect: bigquery
status_code = 'ERROR';
`status_code` = 'ERROR';

# title: a comparison
# dialect: postgres
status_code = 'ERROR';
"status_code" = 'ERROR';

# title: a quote in a text
# dialect: duckdb
name = 'it''s';
"name" = 'it''s';

# title: a quote in a text
# dialect: snowflake
name = 'it''s';
"name" = 'it\'s';

# title: a quote in a text
# dialect: bigquery
name = 'it''s';
`name` = 'it\'s';

# title: a quote in a text
# dialect: postgres
name = 'it''s';
"name" = 'it''s';

# title: another spelling of not equal
# dialect: duckdb
span.status_code != 'OK';
"status_code" <> 'OK';

# title: another spelling of not equal
# dialect: snowflake
span.status_code != 'OK';
"status_code" <> 'OK';

# title: another spelling of not equal
# dialect: bigquery
span.status_code != 'OK';
`status_code` <> 'OK';

# title: another spelling of not equal
# dialect: postgres
span.status_code != 'OK';
"status_code" <> 'OK';

# title: a number
# dialect: duckdb
1000 <= latency_ms;
"latency_ms" >= 1000;

# title: a number
# dialect: snowflake
1000 <= latency_ms;
"latency_ms" >= 1000;

# title: a number
# dialect: bigquery
1000 <= latency_ms;
`latency_ms` >= 1000;

# title: a number
# dialect: postgres
1000 <= latency_ms;
"latency_ms" >= 1000;

# title: a score, which may be NaN
# dialect: duckdb
"eval.Custom eval.score" >= 0.5;
NULLIF(CAST("eval.Custom eval.score" AS DOUBLE), CAST('NaN' AS DOUBLE)) >= 0.5;

# title: a score, which may be NaN
# dialect: snowflake
"eval.Custom eval.score" >= 0.5;
"eval.Custom eval.score" >= 0.5;

# title: a score, which may be NaN
# dialect: bigquery
"eval.Custom eval.score" >= 0.5;
`eval.Custom eval.score` >= 0.5;

# title: a score, which may be NaN
# dialect: postgres
"eval.Custom eval.score" >= 0.5;
"eval.Custom eval.score" >= 0.5;

# title: a number of many digits
# dialect: duckdb
latency_ms = 0.30000000000000004;
"latency_ms" = 0.30000000000000004e0;

# title: a number of many digits
# dialect: snowflake
latency_ms = 0.30000000000000004;
"latency_ms" = 0.30000000000000004e0;

# title: a number of many digits
# dialect: bigquery
latency_ms = 0.30000000000000004;
`latency_ms` = 0.30000000000000004e0;

# title: a number of many digits
# dialect: postgres
latency_ms = 0.30000000000000004;
"latency_ms" = 0.30000000000000004e0;

# title: numbers of 53 bits and more
# dialect: duckdb
attributes.llm.token_count.total IN (9007199254740991, 9007199254740992);
CAST("attributes.llm.token_count.total" AS DOUBLE) IN (9007199254740991, 9007199254740992.0e0);

# title: numbers of 53 bits and more
# dialect: snowflake
attributes.llm.token_count.total IN (9007199254740991, 9007199254740992);
CAST("attributes.llm.token_count.total" AS DOUBLE) IN (9007199254740991, 9007199254740992.0e0);

# title: numbers of 53 bits and more
# dialect: bigquery
attributes.llm.token_count.total IN (9007199254740991, 9007199254740992);
CAST(`attributes.llm.token_count.total` AS FLOAT64) IN (9007199254740991, 9007199254740992.0e0);

# title: numbers of 53 bits and more
# dialect: postgres
attributes.llm.token_count.total IN (9007199254740991, 9007199254740992);
CAST("attributes.llm.token_count.total" AS DOUBLE PRECISION) IN (9007199254740991, 9007199254740992.0e0);

# title: a range
# dialect: duckdb
latency_ms NOT BETWEEN 10 AND 100;
NOT "latency_ms" BETWEEN 10 AND 100;

# title: a range
# dialect: snowflake
latency_ms NOT BETWEEN 10 AND 100;
NOT "latency_ms" BETWEEN 10 AND 100;

# title: a range
# dialect: bigquery
latency_ms NOT BETWEEN 10 AND 100;
NOT `latency_ms` BETWEEN 10 AND 100;

# title: a range
# dialect: postgres
latency_ms NOT BETWEEN 10 AND 100;
NOT "latency_ms" BETWEEN 10 AND 100;

# title: a list
# dialect: duckdb
attributes.openinference.span.kind IN ('LLM', 'AGENT');
"attributes.openinference.span.kind" IN ('LLM', 'AGENT');

# title: a list
# dialect: snowflake
attributes.openinference.span.kind IN ('LLM', 'AGENT');
"attributes.openinference.span.kind" IN ('LLM', 'AGENT');

# title: a list
# dialect: bigquery
attributes.openinference.span.kind IN ('LLM', 'AGENT');
`attributes.openinference.span.kind` IN ('LLM', 'AGENT');

# title: a list
# dialect: postgres
attributes.openinference.span.kind IN ('LLM', 'AGENT');
"attributes.openinference.span.kind" IN ('LLM', 'AGENT');

# title: not in a list
# dialect: duckdb
name NOT IN ('a', 'b');
NOT "name" IN ('a', 'b');

# title: not in a list
# dialect: snowflake
name NOT IN ('a', 'b');
NOT "name" IN ('a', 'b');

# title: not in a list
# dialect: bigquery
name NOT IN ('a', 'b');
NOT `name` IN ('a', 'b');

# title: not in a list
# dialect: postgres
name NOT IN ('a', 'b');
NOT "name" IN ('a', 'b');

# title: missing
# dialect: duckdb
parent_id = null;
"parent_id" IS NULL;

# title: missing
# dialect: snowflake
parent_id = null;
"parent_id" IS NULL;

# title: missing
# dialect: bigquery
parent_id = null;
`parent_id` IS NULL;

# title: missing
# dialect: postgres
parent_id = null;
"parent_id" IS NULL;

# title: not missing
# dialect: duckdb
parent_id != null;
NOT "parent_id" IS NULL;

# title: not missing
# dialect: snowflake
parent_id != null;
NOT "parent_id" IS NULL;

# title: not missing
# dialect: bigquery
parent_id != null;
NOT `parent_id` IS NULL;

# title: not missing
# dialect: postgres
parent_id != null;
NOT "parent_id" IS NULL;

# title: a search
# dialect: duckdb
event.attributes CONTAINS 'Timeout%';
CONTAINS("event.attributes", 'Timeout%');

# title: a search
# dialect: snowflake
event.attributes CONTAINS 'Timeout%';
CHARINDEX('Timeout%', "event.attributes") > 0;

# title: a search
# dialect: bigquery
event.attributes CONTAINS 'Timeout%';
INSTR(`event.attributes`, 'Timeout%') > 0;

# title: a search
# dialect: postgres
event.attributes CONTAINS 'Timeout%';
POSITION('Timeout%' IN "event.attributes") > 0;

# title: a pattern
# dialect: duckdb
name NOT LIKE 'search%';
NOT "name" LIKE 'search%';

# title: a pattern
# dialect: snowflake
name NOT LIKE 'search%';
NOT "name" LIKE 'search%';

# title: a pattern
# dialect: bigquery
name NOT LIKE 'search%';
NOT `name` LIKE 'search%';

# title: a pattern
# dialect: postgres
name NOT LIKE 'search%';
NOT "name" LIKE 'search%';

# title: a pattern with an escape character
# dialect: duckdb
name LIKE '%#_%' ESCAPE '#';
"name" LIKE '%#_%' ESCAPE '#';

# title: a pattern with an escape character
# dialect: snowflake
name LIKE '%#_%' ESCAPE '#';
"name" LIKE '%#_%' ESCAPE '#';

# title: a pattern with an escape character
# dialect: bigquery
name LIKE '%#_%' ESCAPE '#';
`name` LIKE '%#_%' ESCAPE '#';

# title: a pattern with an escape character
# dialect: postgres
name LIKE '%#_%' ESCAPE '#';
"name" LIKE '%#_%' ESCAPE '#';

# title: an escape character beyond ASCII
# dialect: duckdb
name LIKE '%é%%' ESCAPE 'é';
"name" LIKE '%\%%' ESCAPE '\';

# title: an escape character beyond ASCII
# dialect: snowflake
name LIKE '%é%%' ESCAPE 'é';
"name" LIKE '%é%%' ESCAPE 'é';

# title: an escape character beyond ASCII
# dialect: bigquery
name LIKE '%é%%' ESCAPE 'é';
`name` LIKE '%é%%' ESCAPE 'é';

# title: an escape character beyond ASCII
# dialect: postgres
name LIKE '%é%%' ESCAPE 'é';
"name" LIKE '%é%%' ESCAPE 'é';

# title: a pattern in any case
# dialect: duckdb
name ILIKE '%chat%';
"name" ILIKE '%chat%';

# title: a pattern in any case
# dialect: snowflake
name ILIKE '%chat%';
"name" ILIKE '%chat%';

# title: a pattern in any case
# dialect: bigquery
name ILIKE '%chat%';
LOWER(`name`) LIKE LOWER('%chat%');

# title: a pattern in any case
# dialect: postgres
name ILIKE '%chat%';
"name" ILIKE '%chat%';

# title: a custom attribute as text
# dialect: duckdb
attributes.env = 'prod';
CAST("attributes.env" AS TEXT) = 'prod';

# title: a custom attribute as text
# dialect: snowflake
attributes.env = 'prod';
CAST("attributes.env" AS VARCHAR) = 'prod';

# title: a custom attribute as text
# dialect: bigquery
attributes.env = 'prod';
CAST(`attributes.env` AS STRING) = 'prod';

# title: a custom attribute as text
# dialect: postgres
attributes.env = 'prod';
CAST("attributes.env" AS VARCHAR) = 'prod';

# title: a custom attribute as a number
# dialect: duckdb
attributes.metadata.retry >= 3;
CASE WHEN ISFINITE(TRY_CAST(CAST("attributes.metadata.retry" AS TEXT) AS DOUBLE)) AND REGEXP_FULL_MATCH(CAST("attributes.metadata.retry" AS TEXT), '[\s\v]*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[\s\v]*') THEN TRY_CAST(CAST("attributes.metadata.retry" AS TEXT) AS DOUBLE) END >= 3;

# title: a custom attribute as a number
# dialect: snowflake
attributes.metadata.retry >= 3;
TRY_CAST(CAST("attributes.metadata.retry" AS VARCHAR) AS DOUBLE) >= 3;

# title: a custom attribute as a number
# dialect: bigquery
attributes.metadata.retry >= 3;
SAFE_CAST(CAST(`attributes.metadata.retry` AS STRING) AS FLOAT64) >= 3;

# title: a custom attribute as a number
# dialect: postgres
attributes.metadata.retry >= 3;
CAST(CAST("attributes.metadata.retry" AS VARCHAR) AS DOUBLE PRECISION) >= 3;

# title: a custom attribute as a boolean
# dialect: duckdb
attributes.metadata.flag = false;
CASE LOWER(CAST("attributes.metadata.flag" AS TEXT)) WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END = FALSE;

# title: a custom attribute as a boolean
# dialect: snowflake
attributes.metadata.flag = false;
TRY_CAST(CAST("attributes.metadata.flag" AS VARCHAR) AS BOOLEAN) = FALSE;

# title: a custom attribute as a boolean
# dialect: bigquery
attributes.metadata.flag = false;
SAFE_CAST(CAST(`attributes.metadata.flag` AS STRING) AS BOOL) = FALSE;

# title: a custom attribute as a boolean
# dialect: postgres
attributes.metadata.flag = false;
CAST(CAST("attributes.metadata.flag" AS VARCHAR) AS BOOLEAN) = FALSE;

# title: a documented boolean
# dialect: duckdb
attributes.exception.escaped = true;
"attributes.exception.escaped" = TRUE;

# title: a documented boolean
# dialect: snowflake
attributes.exception.escaped = true;
"attributes.exception.escaped" = TRUE;

# title: a documented boolean
# dialect: bigquery
attributes.exception.escaped = true;
`attributes.exception.escaped` = TRUE;

# title: a documented boolean
# dialect: postgres
attributes.exception.escaped = true;
"attributes.exception.escaped" = TRUE;

# title: a time
# dialect: duckdb
start_time >= '2024-05-01T12:00:00.5+02:00';
"start_time" >= CAST('2024-05-01 10:00:00.500000+00:00' AS TIMESTAMPTZ);

# title: a time
# dialect: snowflake
start_time >= '2024-05-01T12:00:00.5+02:00';
"start_time" >= CAST('2024-05-01 10:00:00.500000+00:00' AS TIMESTAMPTZ);

# title: a time
# dialect: bigquery
start_time >= '2024-05-01T12:00:00.5+02:00';
`start_time` >= CAST('2024-05-01 10:00:00.500000+00:00' AS TIMESTAMP);

# title: a time
# dialect: postgres
start_time >= '2024-05-01T12:00:00.5+02:00';
"start_time" >= CAST('2024-05-01 10:00:00.500000+00:00' AS TIMESTAMPTZ);

# title: days
# dialect: duckdb
end_time BETWEEN '2024-05-01' AND '2024-05-02';
"end_time" BETWEEN CAST('2024-05-01 00:00:00+00:00' AS TIMESTAMPTZ) AND CAST('2024-05-02 00:00:00+00:00' AS TIMESTAMPTZ);

# title: days
# dialect: snowflake
end_time BETWEEN '2024-05-01' AND '2024-05-02';
"end_time" BETWEEN CAST('2024-05-01 00:00:00+00:00' AS TIMESTAMPTZ) AND CAST('2024-05-02 00:00:00+00:00' AS TIMESTAMPTZ);

# title: days
# dialect: bigquery
end_time BETWEEN '2024-05-01' AND '2024-05-02';
`end_time` BETWEEN CAST('2024-05-01 00:00:00+00:00' AS TIMESTAMP) AND CAST('2024-05-02 00:00:00+00:00' AS TIMESTAMP);

# title: days
# dialect: postgres
end_time BETWEEN '2024-05-01' AND '2024-05-02';
"end_time" BETWEEN CAST('2024-05-01 00:00:00+00:00' AS TIMESTAMPTZ) AND CAST('2024-05-02 00:00:00+00:00' AS TIMESTAMPTZ);

# title: precedence
# dialect: duckdb
NOT (name = 'a' OR name = 'b') AND (latency_ms > 5 OR latency_ms IS NULL);
NOT ("name" = 'a' OR "name" = 'b') AND ("latency_ms" > 5 OR "latency_ms" IS NULL);

# title: precedence
# dialect: snowflake
NOT (name = 'a' OR name = 'b') AND (latency_ms > 5 OR latency_ms IS NULL);
NOT ("name" = 'a' OR "name" = 'b') AND ("latency_ms" > 5 OR "latency_ms" IS NULL);

# title: precedence
# dialect: bigquery
NOT (name = 'a' OR name = 'b') AND (latency_ms > 5 OR latency_ms IS NULL);
NOT (`name` = 'a' OR `name` = 'b') AND (`latency_ms` > 5 OR `latency_ms` IS NULL);

# title: precedence
# dialect: postgres
NOT (name = 'a' OR name = 'b') AND (latency_ms > 5 OR latency_ms IS NULL);
NOT ("name" = 'a' OR "name" = 'b') AND ("latency_ms" > 5 OR "latency_ms" IS NULL);

# title: a name with a quote
# dialect: duckdb
"attributes.we""ird" IS NULL;
"attributes.we""ird" IS NULL;

# title: a name with a quote
# dialect: snowflake
"attributes.we""ird" IS NULL;
"attributes.we""ird" IS NULL;

# title: a name with a quote
# dialect: bigquery
"attributes.we""ird" IS NULL;
`attributes.we"ird` IS NULL;

# title: a name with a quote
# dialect: postgres
"attributes.we""ird" IS NULL;
"attributes.we""ird" IS NULL;
