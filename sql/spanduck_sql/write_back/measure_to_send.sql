SELECT
    count(*),
    CAST(
        coalesce(
            sum(
                32 + strlen(v.span_id)
                + coalesce(strlen(v.label), 0)
                + coalesce(strlen(v.explanation), 0)
            ),
            0
        ) AS BIGINT
    )
FROM value AS v
ANTI JOIN verdict AS d
    ON d.value_id = v.rowid
WHERE v.error_code IS NULL
