-- Takes `incoming`, values as the model gave them.
INSERT INTO put_aside
SELECT
    value_id,
    quick_key_of(span_id, coalesce(level, 'span'), name),
    CASE
        WHEN type_code IS NULL THEN quick_value_of(label, coalesce(score, TRY_CAST(score_text AS DOUBLE)), body)
    END
FROM incoming
