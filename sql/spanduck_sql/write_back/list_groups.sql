SELECT
    call_group,
    slot,
    level,
    name,
    has_label,
    has_score,
    has_explanation
FROM evaluation
ORDER BY call_group, slot
