SELECT
    key_high,
    key_low
FROM spanduck_state.rejected
WHERE model = $model
    AND space_id = $space_id
    AND project_id = $project_id
    AND kind = $kind
    AND key_low IS NOT NULL
