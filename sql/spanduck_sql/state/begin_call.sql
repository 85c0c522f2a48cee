INSERT INTO spanduck_state.sent
SELECT
    $target,
    $run,
    $call,
    span_id,
    level,
    name,
    operation,
    key_high,
    key_low,
    label_hash,
    score,
    body_hash
FROM incoming_entries
