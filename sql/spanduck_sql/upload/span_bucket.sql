-- In which of $1 buckets the rows of each span go; rows without an id share one.
SELECT
    CAST(COALESCE(hash(value), 0) % CAST($1 AS UBIGINT) AS BIGINT) AS value
FROM given
