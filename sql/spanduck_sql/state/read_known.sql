SELECT
    quick_key,
    quick_value
FROM spanduck_state.held
WHERE target = getvariable('spanduck_target')
    AND quick_value IS NOT NULL
