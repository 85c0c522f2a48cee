INSERT INTO notes
SELECT span_id, notes
FROM merged_notes
