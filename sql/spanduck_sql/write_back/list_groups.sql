SELECT
    call_group,
    slot,
    level,
    name,
    has_label,
    has_score,
    has_body
FROM sent_name
ORDER BY call_group, slot
