-- Whether all values of each span follow each other already: there are as many spans as changes of span.
WITH sent AS (
    SELECT
        hash(v.span_id) AS span_hash
    FROM value AS v
    SEMI JOIN queue AS q
        ON q.value_id = v.value_id
),
stepped AS (
    SELECT
        span_hash,
        lag(span_hash) OVER () AS previous_hash
    FROM sent
)
SELECT count(DISTINCT span_hash) = count(*) FILTER (WHERE span_hash IS DISTINCT FROM previous_hash)
FROM stepped
