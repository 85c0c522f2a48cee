-- The evaluations of some spans, in an order that stays.
SELECT span_id, name, label, score, explanation
FROM evaluations
WHERE level = 'span' AND span_id IN (SELECT unnest($ids))
ORDER BY span_id, name
