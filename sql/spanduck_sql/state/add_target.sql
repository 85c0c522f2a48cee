INSERT INTO spanduck_state.target
VALUES (nextval('spanduck_state.numbers'), $space_id, $project_id, $project, $kind)
RETURNING target
