-- Equal duplicates are no failure.
CREATE OR REPLACE TEMPORARY TABLE spanduck_refused AS
SELECT
    r.*,
    coalesce(t.tries, 0) + 1 AS tries
FROM incoming_refusals AS r
LEFT JOIN (
    SELECT key_high, key_low, max(tries) AS tries
    FROM spanduck_state.rejected
    WHERE model = $model
        AND space_id = $space_id
        AND project_id = $project_id
        AND kind = $kind
        AND run_id <> $run_id
    GROUP BY key_high, key_low
) AS t
    ON t.key_low = r.key_low
    AND t.key_high = r.key_high
WHERE r.status <> 'duplicate';

DELETE FROM spanduck_state.rejected
USING spanduck_refused AS r
WHERE rejected.key_low = r.key_low
    AND rejected.key_high = r.key_high
    AND rejected.model = $model
    AND rejected.space_id = $space_id
    AND rejected.project_id = $project_id
    AND rejected.kind = $kind
    AND rejected.run_id <> $run_id;

INSERT INTO spanduck_state.rejected
SELECT
    $run_id,
    $model,
    $space_id,
    $project_id,
    $project,
    $kind,
    r."row",
    r.span_id,
    r.level,
    r.name,
    r.label,
    r.score,
    r.body,
    r.key_high,
    r.key_low,
    r.status,
    r.error_code,
    r.reason,
    r.tries,
    now()
FROM spanduck_refused AS r;

DROP TABLE spanduck_refused;
