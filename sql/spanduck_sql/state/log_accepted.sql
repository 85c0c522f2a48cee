INSERT INTO spanduck_state.change
SELECT
    $run,
    span_id,
    level,
    name,
    operation,
    'accepted',
    NULL,
    NULL,
    now()
FROM incoming_entries
