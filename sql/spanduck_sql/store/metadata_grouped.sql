-- One patch a span, of rows that repeat one: the later one wins, key by key.
CREATE TEMP TABLE asked AS
SELECT
    span_id,
    list_reduce(
        list(patch ORDER BY ordinal),
        lambda before, after: CAST(json_merge_patch(before, after) AS VARCHAR)
    ) AS patch
FROM patches
WHERE patch IS NOT NULL
GROUP BY span_id
