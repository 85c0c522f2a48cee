-- Takes `incoming`, a table of values as the model gave them, and keeps each with the first rule it breaks.
INSERT INTO value
WITH typed AS (
    SELECT
        row,
        span_id,
        coalesce(level, 'span') AS level,
        name,
        label,
        coalesce(score, TRY_CAST(score_text AS DOUBLE)) AS score,
        score_text,
        explanation,
        type_code,
        type_reason
    FROM incoming
),
judged AS (
    SELECT
        *,
        CASE
            WHEN type_code IS NOT NULL THEN type_code
            WHEN span_id IS NULL THEN 'missing_span_id'
            WHEN regexp_full_match(span_id, $blank) THEN 'missing_span_id'
            WHEN name IS NULL THEN 'missing_name'
            WHEN regexp_full_match(name, $blank) THEN 'missing_name'
            -- What the vendor's clients send: letters, digits, underscores and white space.
            WHEN NOT regexp_full_match(name, $sendable_name) THEN 'name_not_sendable'
            WHEN level NOT IN ('span', 'trace', 'session') THEN 'unknown_level'
            WHEN label = '' THEN 'label_empty'
            WHEN length(label) > $label_max_length THEN 'label_too_long'
            WHEN score IS NULL AND score_text IS NOT NULL THEN 'score_not_a_number'
            WHEN isnan(score) THEN 'score_not_finite'
            WHEN isinf(score) THEN 'score_not_finite'
            WHEN length(explanation) > $explanation_max_length THEN 'explanation_too_long'
            WHEN label IS NULL AND score IS NULL THEN 'explanation_alone'
        END AS error_code
    FROM typed
)
SELECT
    row,
    span_id,
    level,
    name,
    label,
    score,
    explanation,
    error_code,
    CASE
        WHEN error_code IS NULL THEN NULL
        WHEN type_code IS NOT NULL THEN type_reason
        WHEN error_code = 'missing_span_id' AND span_id IS NULL THEN 'span_id is NULL'
        WHEN error_code = 'missing_span_id' THEN 'span_id is blank'
        WHEN error_code = 'missing_name' AND name IS NULL THEN 'name is NULL'
        WHEN error_code = 'missing_name' THEN 'name is blank'
        WHEN error_code = 'name_not_sendable' THEN concat(
            'a name holds letters, digits, _ and spaces; not so ', quoted(name)
        )
        WHEN error_code = 'unknown_level' THEN concat(
            'level is ', quoted(level), '; it may be span, trace or session'
        )
        WHEN error_code = 'label_empty' THEN 'label is empty; NULL says that there is none'
        WHEN error_code = 'label_too_long' THEN concat(
            'label has ', length(label), ' characters; at most ', $label_max_length, ' are taken'
        )
        WHEN error_code = 'score_not_a_number' THEN concat(
            'score is ', quoted(score_text), ', not a number'
        )
        WHEN error_code = 'score_not_finite' THEN concat('score is ', score)
        WHEN error_code = 'explanation_too_long' THEN concat(
            'explanation has ', length(explanation), ' characters; at most ',
            $explanation_max_length, ' are taken'
        )
        WHEN error_code = 'explanation_alone' THEN 'an explanation needs a label or a score'
    END AS reason
FROM judged;
