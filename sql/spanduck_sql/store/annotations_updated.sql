-- How many spans a call changed.
SELECT count(*)
FROM (
    SELECT span_id FROM merged
    UNION
    SELECT span_id FROM merged_notes
) AS updated
