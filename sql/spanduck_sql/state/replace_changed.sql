-- Takes `incoming_entries`, of which some may be held already. Fields that a value does not say stay as they were.
CREATE OR REPLACE TEMPORARY TABLE spanduck_former AS
SELECT
    h.rowid AS place,
    h.key_high,
    h.key_low,
    h.label_hash,
    h.score,
    h.body_hash
FROM spanduck_state.held AS h
SEMI JOIN incoming_entries AS e
    ON e.key_low = h.key_low
    AND e.key_high = h.key_high
WHERE h.target = $target;

DELETE FROM spanduck_state.held
WHERE rowid IN (SELECT place FROM spanduck_former);

INSERT INTO spanduck_state.held
SELECT
    $target,
    e.span_id,
    e.level,
    e.name,
    e.key_high,
    e.key_low,
    coalesce(e.label_hash, f.label_hash),
    coalesce(e.score, f.score),
    coalesce(e.body_hash, f.body_hash),
    $run,
    now(),
    e.quick_key,
    e.quick_value
FROM incoming_entries AS e
LEFT JOIN spanduck_former AS f
    ON f.key_low = e.key_low
    AND f.key_high = e.key_high;
