-- Takes `incoming_entries`, values that turned out to be unchanged. Those that several models say parts of have the
-- numbers of the last one that sent.
UPDATE spanduck_state.held
SET
    quick_key = e.quick_key,
    quick_value = e.quick_value
FROM incoming_entries AS e
WHERE held.key_low = e.key_low
    AND held.key_high = e.key_high
    AND held.target = $target
    AND held.quick_value IS NULL
