SELECT 1
FROM spanduck_state.held
WHERE target = $target
LIMIT 1
