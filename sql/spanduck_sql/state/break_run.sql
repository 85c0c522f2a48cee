-- What a run wrote before it ended is in the changelog.
UPDATE spanduck_state.runs
SET
    status = $status,
    ended_at = now(),
    accepted = (
        SELECT count(*)
        FROM spanduck_state.change AS c
        WHERE c.run = runs.run
            AND c.status = 'accepted'
    ),
    error = $error
WHERE run_id = $run_id
