-- The annotations of some spans, in an order that stays.
SELECT span_id, level, name, label, score, text, updated_by, epoch_us(updated_at) * 1000 AS updated_ns
FROM annotations
WHERE span_id IN (SELECT unnest($ids))
ORDER BY span_id, name
