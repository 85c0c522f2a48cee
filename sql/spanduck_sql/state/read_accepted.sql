-- Takes `incoming_keys`. Half of a key is enough: what it finds too much is compared by both.
SELECT
    h.key_high,
    h.key_low,
    h.label_hash,
    h.score,
    h.body_hash
FROM spanduck_state.held AS h
SEMI JOIN incoming_keys AS i
    ON i.key_low = h.key_low
WHERE h.target = getvariable('spanduck_target')
