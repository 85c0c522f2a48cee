-- Of a range of keys: all of them at a time would not fit in memory.
SELECT
    quick_key,
    quick_value
FROM spanduck_state.held
WHERE target = getvariable('spanduck_target')
    AND quick_value IS NOT NULL
    AND quick_key >= CAST(getvariable('spanduck_first') AS UBIGINT)
    AND quick_key <= CAST(getvariable('spanduck_last') AS UBIGINT)
