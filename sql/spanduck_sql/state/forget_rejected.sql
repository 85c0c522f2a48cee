-- What is accepted now has not failed any more. What this run refused under the same name was another value.
DELETE FROM spanduck_state.rejected
USING incoming_entries AS e
WHERE rejected.key_low = e.value_low
    AND rejected.key_high = e.value_high
    AND rejected.space_id = $space_id
    AND rejected.project_id = $project_id
    AND rejected.kind = $kind
    AND rejected.run_id <> $run_id
