-- Ids of the call that no span has, in the order of the call.
SELECT span_id
FROM wide
WHERE span_id NOT IN (SELECT span_id FROM spans)
GROUP BY span_id
ORDER BY min(rowid)
