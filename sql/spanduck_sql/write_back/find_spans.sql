-- Puts the ids of spans in the place of the keys that values were given with; `found` has the spans of each key.
CREATE TEMPORARY TABLE one_span AS
SELECT
    key,
    min(span_id) AS span_id,
    count(DISTINCT span_id) AS spans,
    max(span_id) AS last_span_id
FROM found
GROUP BY key;

INSERT INTO verdict
SELECT v.value_id, 7, NULL
FROM value AS v
ANTI JOIN one_span AS o
    ON o.key = v.span_id
WHERE v.error_code IS NULL;

UPDATE value
SET
    error_code = 'ambiguous_key',
    reason = concat(
        o.spans, ' spans have this key, ', quoted(o.span_id), ' and ', quoted(o.last_span_id), ' among them'
    )
FROM one_span AS o
WHERE o.key = value.span_id
    AND value.error_code IS NULL
    AND o.spans > 1;

UPDATE value
SET
    span_id = o.span_id,
    key_high = high(key_of(o.span_id, value.level, coalesce(value.name, ''))),
    key_low = low(key_of(o.span_id, value.level, coalesce(value.name, ''))),
    quick_key = quick_key_of(o.span_id, value.level, value.name)
FROM one_span AS o
WHERE o.key = value.span_id
    AND value.error_code IS NULL;

DROP TABLE one_span;
