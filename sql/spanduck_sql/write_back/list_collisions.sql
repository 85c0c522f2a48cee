-- Takes `incoming`: which of these values may be repeated.
SELECT i.value_id
FROM incoming AS i
SEMI JOIN collision AS c
    ON c.quick_key = quick_key_of(i.span_id, coalesce(i.level, 'span'), i.name)
ORDER BY i.value_id
