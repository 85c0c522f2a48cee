DELETE FROM spanduck_state.sent
WHERE run = $run
    AND call = $call
