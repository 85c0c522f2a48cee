DELETE FROM spanduck_state.held
USING spanduck_merged AS m
WHERE held.key_low = m.key_low
    AND held.key_high = m.key_high
    AND held.target = $target
