UPDATE spanduck_state.runs
SET
    status = $status,
    ended_at = now(),
    "rows" = $rows,
    "values" = $values,
    accepted = $accepted,
    unchanged = $unchanged,
    invalid = $invalid,
    duplicate = $duplicate,
    rejected = $rejected,
    unmatched = $unmatched,
    "new" = $new,
    changed = $changed,
    "left" = $left,
    calls = $calls,
    bytes = $bytes,
    seconds = $seconds,
    error = $error
WHERE run_id = $run_id
