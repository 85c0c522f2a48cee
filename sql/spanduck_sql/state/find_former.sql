-- Other projects of the same name that something was accepted of.
SELECT t.project_id
FROM spanduck_state.target AS t
WHERE t.space_id = $space_id
    AND t.project = $project
    AND t.kind = $kind
    AND t.project_id <> $project_id
    AND EXISTS (
        SELECT 1
        FROM spanduck_state.held AS h
        WHERE h.target = t.target
    )
