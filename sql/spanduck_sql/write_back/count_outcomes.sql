WITH refused AS (
    SELECT
        c.status,
        count(*) AS number
    FROM verdict AS d
    JOIN cause AS c
        ON c.id = d.cause_id
    GROUP BY c.status
),
judged AS (
    SELECT
        count(error_code) AS invalid,
        count(*) - count(error_code) AS valid
    FROM value
    WHERE NOT is_known
)
SELECT
    status,
    CAST(sum(number) AS BIGINT) AS number
FROM (
    SELECT status, number FROM refused
    UNION ALL
    SELECT 'invalid', invalid FROM judged
    UNION ALL
    SELECT 'accepted', valid - coalesce((SELECT sum(number) FROM refused), 0) FROM judged
)
GROUP BY status
