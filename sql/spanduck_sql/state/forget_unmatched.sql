-- A span that the service does not hold has lost what was accepted of it, or that would count as unchanged for ever.
DELETE FROM spanduck_state.held
WHERE target = $target
    AND span_id IN (
        SELECT span_id
        FROM incoming_refusals
        WHERE status = 'unmatched'
    )
