-- What one call says, as `said` has it, where no id of the call repeats: nothing is to be grouped.
CREATE TEMP VIEW said AS
SELECT span_id, level, name, label, score, explanation
FROM staged
WHERE span_id IN (SELECT span_id FROM spans)
