SELECT count(*)
FROM spanduck_state.held
WHERE target = $target
    AND quick_value IS NOT NULL
