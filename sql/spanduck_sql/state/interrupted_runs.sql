-- Runs of the same model that never came to their end: whoever ran them is gone, for the state has one user at a time.
-- `others` are runs of this user that are still going on. What they wrote is in the changelog.
UPDATE spanduck_state.runs
SET
    status = 'interrupted',
    ended_at = now(),
    accepted = (
        SELECT count(*)
        FROM spanduck_state.change AS c
        WHERE c.run = runs.run
            AND c.status = 'accepted'
    ),
    error = 'the run did not come to its end'
WHERE status = 'running'
    AND model = $model
    AND project_id = $project_id
    AND run_id <> $run_id
    AND NOT list_contains(CAST($others AS VARCHAR[]), run_id)
