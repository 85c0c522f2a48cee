-- Takes `incoming`, values as the model gave them. Zero is what no known value has, as far as chance goes: what is of
-- a wrong type, or a score that is no number, is not the value without it.
SELECT
    quick_key_of(span_id, coalesce(level, 'span'), name),
    CASE
        WHEN type_code IS NOT NULL THEN CAST(0 AS UBIGINT)
        WHEN score_text IS NOT NULL AND TRY_CAST(score_text AS DOUBLE) IS NULL THEN CAST(0 AS UBIGINT)
        ELSE quick_value_of(label, coalesce(score, TRY_CAST(score_text AS DOUBLE)), body)
    END
FROM incoming
