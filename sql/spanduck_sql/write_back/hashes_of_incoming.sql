-- Takes `incoming`, values as the model gave them. Zero is what no known value has, as far as chance goes.
SELECT
    quick_key_of(span_id, coalesce(level, 'span'), name),
    CASE
        WHEN type_code IS NULL THEN quick_value_of(label, coalesce(score, TRY_CAST(score_text AS DOUBLE)), body)
        ELSE CAST(0 AS UBIGINT)
    END
FROM incoming
