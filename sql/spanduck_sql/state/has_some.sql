-- Whether any of `incoming_entries` is held already.
SELECT 1
FROM spanduck_state.held AS h
SEMI JOIN incoming_entries AS e
    ON e.key_low = h.key_low
    AND e.key_high = h.key_high
WHERE h.target = $target
LIMIT 1
