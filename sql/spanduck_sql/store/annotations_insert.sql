-- Rows of one name lie together, so that reading one name skips the others.
INSERT INTO annotations
SELECT span_id, level, name, label, score, text, updated_by, coalesce(updated_at, $now)
FROM merged
ORDER BY level, name
