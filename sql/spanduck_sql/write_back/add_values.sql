-- Takes `incoming`, a table of values as the model gave them, and keeps each with the first rule it breaks.
INSERT INTO value
WITH typed AS (
    SELECT
        i.value_id,
        i.row,
        i.span_id,
        coalesce(i.level, 'span') AS level,
        i.name,
        i.label,
        coalesce(i.score, TRY_CAST(i.score_text AS DOUBLE)) AS score,
        i.score_text,
        i.body,
        i.type_code,
        i.type_reason,
        -- No join: it may bring the values into another order.
        getvariable('configs')[i.name] AS config
    FROM incoming AS i
),
judged AS (
    SELECT
        *,
        CASE
            -- It was judged when it was sent.
            WHEN $is_known THEN NULL
            WHEN type_code IS NOT NULL THEN type_code
            WHEN span_id IS NULL THEN 'missing_span_id'
            WHEN regexp_full_match(span_id, $blank) THEN 'missing_span_id'
            WHEN $is_named AND name IS NULL THEN 'missing_name'
            WHEN regexp_full_match(name, $blank) THEN 'missing_name'
            WHEN level NOT IN ('span', 'trace', 'session') THEN 'unknown_level'
            WHEN level <> 'span' AND $kind <> 'eval' THEN 'unknown_level'
            WHEN $kind = 'metadata' THEN CASE
                WHEN NOT json_valid(body) THEN 'not_json'
                WHEN regexp_matches(bare(body), '(?i)nan|inf') THEN 'value_not_finite'
                WHEN NOT $is_named AND json_type(body) <> 'OBJECT' THEN 'not_an_object'
                WHEN NOT $is_named AND regexp_full_match(body, '\s*\{\s*\}\s*') THEN 'empty_patch'
                WHEN length(body) > $patch_max_length THEN 'patch_too_long'
                WHEN length(brackets(bare(body))) > 2 * $patch_max_levels
                    AND is_deeper(body, $patch_max_levels) THEN 'patch_too_deep'
            END
            -- What the vendor's clients send: letters, digits, underscores and white space.
            WHEN $kind = 'annotation' AND name = 'annotation.notes' THEN CASE
                WHEN label IS NOT NULL OR score IS NOT NULL OR score_text IS NOT NULL THEN 'name_not_sendable'
                WHEN body = '' THEN 'text_empty'
                WHEN note_length(body) > $note_max_length THEN 'text_too_long'
            END
            WHEN NOT regexp_full_match(name, $sendable_name) THEN 'name_not_sendable'
            WHEN label = '' THEN 'label_empty'
            WHEN length(label) > $label_max_length THEN 'label_too_long'
            WHEN score IS NULL AND score_text IS NOT NULL THEN 'score_not_a_number'
            WHEN isnan(score) THEN 'score_not_finite'
            WHEN isinf(score) THEN 'score_not_finite'
            WHEN length(body) > $body_max_length THEN concat($body_name, '_too_long')
            WHEN $kind = 'annotation' AND body = '' THEN 'text_empty'
            WHEN $kind = 'eval' AND label IS NULL AND score IS NULL THEN 'explanation_alone'
            WHEN score < config.minimum OR score > config.maximum THEN 'score_out_of_range'
            WHEN label IS NOT NULL AND config.labels IS NOT NULL AND NOT list_contains(config.labels, label)
                THEN 'label_not_in_config'
        END AS error_code
    FROM typed
),
keyed AS (
    SELECT
        *,
        -- Of invalid ones too: by it a later run knows what has failed before.
        CASE WHEN span_id IS NOT NULL AND NOT $is_known THEN key_of(span_id, coalesce(level, ''), coalesce(name, '')) END AS key
    FROM judged
)
SELECT
    value_id,
    row,
    span_id,
    level,
    name,
    label,
    score,
    body,
    error_code,
    CASE
        WHEN error_code IS NULL THEN NULL
        WHEN type_code IS NOT NULL THEN type_reason
        WHEN error_code = 'missing_span_id' AND span_id IS NULL THEN concat($key_name, ' is NULL')
        WHEN error_code = 'missing_span_id' THEN concat($key_name, ' is blank')
        WHEN error_code = 'missing_name' AND name IS NULL THEN concat($name_word, ' is NULL')
        WHEN error_code = 'missing_name' THEN concat($name_word, ' is blank')
        WHEN error_code = 'name_not_sendable' AND $kind = 'annotation' AND name = 'annotation.notes' THEN
            'a note has a text only; a label or a score needs a name of its own'
        WHEN error_code = 'name_not_sendable' THEN concat(
            'a name holds letters, digits, _ and spaces; not so ', quoted(name)
        )
        WHEN error_code = 'unknown_level' AND $kind <> 'eval' THEN concat(
            'level is ', quoted(level), '; only evaluations have others than span'
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
        WHEN error_code = 'text_empty' THEN 'text is empty; NULL says that there is none'
        WHEN error_code = 'text_too_long' AND name = 'annotation.notes' THEN concat(
            'the note has ', note_length(body), ' characters as it is written; at most ', $note_max_length, ' are taken'
        )
        WHEN error_code = concat($body_name, '_too_long') THEN concat(
            $body_name, ' has ', length(body), ' characters; at most ', $body_max_length, ' are taken'
        )
        WHEN error_code = 'explanation_alone' THEN 'an explanation needs a label or a score'
        WHEN error_code = 'score_out_of_range' THEN concat(
            'score is ', score, '; the annotation config takes ',
            CASE
                WHEN config.minimum IS NULL THEN concat('at most ', config.maximum)
                WHEN config.maximum IS NULL THEN concat('at least ', config.minimum)
                ELSE concat(config.minimum, ' to ', config.maximum)
            END
        )
        WHEN error_code = 'label_not_in_config' THEN concat(
            'label is ', quoted(label), '; the annotation config has ', array_to_string(config.labels, ', ')
        )
        WHEN error_code = 'not_json' THEN concat('not JSON: ', quoted(body))
        WHEN error_code = 'value_not_finite' THEN concat(
            'NaN and infinity are no JSON: ', quoted(not_finite_part(body))
        )
        WHEN error_code = 'not_an_object' THEN concat('a patch is a JSON object, not ', quoted(body))
        WHEN error_code = 'empty_patch' THEN 'the patch has no key'
        WHEN error_code = 'patch_too_long' THEN concat(
            'the value has ', length(body), ' characters of JSON; at most ', $patch_max_length, ' are taken'
        )
        WHEN error_code = 'patch_too_deep' THEN concat(
            'the value is nested more than ', $patch_max_levels, ' levels deep'
        )
    END AS reason,
    high(key),
    low(key),
    CASE WHEN NOT $is_known THEN digest(label) END,
    CASE WHEN NOT $is_known THEN digest(CASE WHEN $kind = 'metadata' THEN stored_form(body) ELSE body END) END,
    quick_key_of(span_id, level, name),
    quick_value_of(label, score, body),
    $is_known
FROM keyed;
