SELECT
    key_high,
    key_low,
    label_hash,
    score,
    body_hash
FROM spanduck_state.held
WHERE target = getvariable('spanduck_target')
