-- What the service holds of a metadata value after a patch has set it, as JSON text in one spelling: a boolean is the
-- text of one, an object or a list its JSON text, a number that JSON does not have is null. Escapes and white space are
-- normal ones, so texts are equal where, and only where, sending the one over the other would change nothing: 1 and 1.0
-- are two, 1.0 and 1e0 are one. What is such a form already stays as it is. NULL for what is no JSON.
CREATE OR REPLACE MACRO stored_form(json_text) AS
    CASE
        WHEN json_text = '' OR NOT json_valid(json_text) THEN NULL
        ELSE list_transform(
            [CAST(json(json_text) AS VARCHAR)],
            lambda plain: CASE
                WHEN regexp_matches(plain, '^-?[nNiI]') THEN 'null'
                WHEN plain = 'true' THEN '"True"'
                WHEN plain = 'false' THEN '"False"'
                WHEN starts_with(plain, '{') OR starts_with(plain, '[') THEN CAST(to_json(plain) AS VARCHAR)
                ELSE plain
            END
        )[1]
    END;
