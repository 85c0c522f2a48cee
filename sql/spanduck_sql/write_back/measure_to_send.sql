-- About how many bytes are queued.
SELECT
    CAST(
        coalesce(
            sum(
                32 + strlen(v.span_id)
                + coalesce(strlen(v.label), 0)
                + coalesce(strlen(v.body), 0)
            ),
            0
        ) AS BIGINT
    )
FROM value AS v
SEMI JOIN queue AS q
    ON q.value_id = v.value_id
