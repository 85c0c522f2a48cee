DELETE FROM spanduck_state.watermarks
WHERE model = $model
    AND space_id = $space_id
    AND project_id = $project_id;

INSERT INTO spanduck_state.watermarks
VALUES ($model, $space_id, $project_id, $watermark, $run_id, now());
