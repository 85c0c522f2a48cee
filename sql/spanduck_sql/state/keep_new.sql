INSERT INTO spanduck_state.held
SELECT
    $target,
    span_id,
    level,
    name,
    key_high,
    key_low,
    label_hash,
    score,
    body_hash,
    $run,
    now(),
    quick_key,
    quick_value
FROM incoming_entries
