SELECT target
FROM spanduck_state.target
WHERE space_id = $space_id
    AND project_id = $project_id
    AND kind = $kind
