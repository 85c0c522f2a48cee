SELECT watermark
FROM spanduck_state.watermarks
WHERE model = $model
    AND space_id = $space_id
    AND project_id = $project_id
