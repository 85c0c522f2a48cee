INSERT INTO spanduck_state.change
SELECT
    $run,
    span_id,
    -- What a model says may be none.
    TRY_CAST(level AS spanduck_state.value_level),
    name,
    operation,
    status,
    error_code,
    reason,
    now()
FROM incoming_refusals
