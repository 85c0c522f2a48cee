-- Rows of one name lie together, so that reading one name skips the others.
INSERT INTO evaluations
SELECT span_id, level, name, label, score, explanation, NULL, $now
FROM merged
ORDER BY level, name
