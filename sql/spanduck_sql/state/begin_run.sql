INSERT INTO spanduck_state.runs (run_id, model, kind, space_id, project_id, project, status, started_at, run)
VALUES ($run_id, $model, $kind, $space_id, $project_id, $project, 'running', now(), nextval('spanduck_state.numbers'))
RETURNING run
