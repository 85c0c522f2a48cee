-- Takes `incoming_seen`, what the service holds now: what arrived is accepted, whoever sent it. `others` are runs that
-- are still going on: they know what became of their calls.
CREATE OR REPLACE TEMPORARY TABLE spanduck_settled AS
SELECT DISTINCT ON (p.run, p.key_high, p.key_low)
    p.run,
    p.span_id,
    p.level,
    p.name,
    p.operation,
    p.key_high,
    p.key_low,
    s.label_hash,
    s.score,
    s.body_hash,
    s.key_low IS NOT NULL AS is_held,
    s.key_low IS NOT NULL
        AND (p.label_hash IS NULL OR coalesce(p.label_hash = s.label_hash, false))
        AND (p.score IS NULL OR coalesce(p.score = s.score, false))
        AND (p.body_hash IS NULL OR coalesce(p.body_hash = s.body_hash, false)) AS is_same
FROM spanduck_state.sent AS p
LEFT JOIN incoming_seen AS s
    ON s.key_low = p.key_low
    AND s.key_high = p.key_high
WHERE p.target = $target
    AND p.run NOT IN (
        SELECT run
        FROM spanduck_state.runs
        WHERE list_contains(CAST($others AS VARCHAR[]), run_id)
    )
-- Of several notes of a span, the one that was sent.
ORDER BY is_same DESC;

DELETE FROM spanduck_state.held
USING spanduck_settled AS s
WHERE held.key_low = s.key_low
    AND held.key_high = s.key_high
    AND held.target = $target;

INSERT INTO spanduck_state.held
SELECT DISTINCT ON (key_high, key_low)
    $target,
    span_id,
    level,
    name,
    key_high,
    key_low,
    label_hash,
    score,
    body_hash,
    run,
    now(),
    NULL,
    NULL
FROM spanduck_settled
WHERE is_held;

INSERT INTO spanduck_state.change
SELECT
    run,
    span_id,
    level,
    name,
    operation,
    CASE WHEN is_same THEN 'accepted' ELSE 'rejected' END,
    CASE WHEN is_same THEN NULL ELSE 'not_arrived' END,
    CASE
        WHEN is_same THEN 'sent without an answer; found at the service later'
        ELSE 'sent without an answer; not at the service later'
    END,
    now()
FROM spanduck_settled
-- A run that is still going on sends what has not arrived again.
WHERE is_same
    OR run <> $run;

DELETE FROM spanduck_state.rejected
USING spanduck_settled AS s
WHERE s.is_same
    AND rejected.key_low = s.key_low
    AND rejected.key_high = s.key_high
    AND rejected.space_id = $space_id
    AND rejected.project_id = $project_id
    AND rejected.kind = $kind;

-- What a broken run has written; one that came to its end keeps the counts that it reported.
UPDATE spanduck_state.runs
SET accepted = (
    SELECT count(*)
    FROM spanduck_state.change AS c
    WHERE c.run = runs.run
        AND c.status = 'accepted'
)
WHERE status IN ('interrupted', 'failed')
    AND run IN (SELECT run FROM spanduck_settled WHERE is_same);

DELETE FROM spanduck_state.sent
WHERE target = $target
    AND run NOT IN (
        SELECT run
        FROM spanduck_state.runs
        WHERE list_contains(CAST($others AS VARCHAR[]), run_id)
    );

DROP TABLE spanduck_settled;
