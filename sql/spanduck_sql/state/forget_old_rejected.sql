-- A run over the whole model has judged all of its values anew.
DELETE FROM spanduck_state.rejected
WHERE model = $model
    AND space_id = $space_id
    AND project_id = $project_id
    AND kind = $kind
    AND run_id <> $run_id
