-- Structs and maps as JSON text; null stays null.
SELECT
    CAST(to_json(value) AS VARCHAR) AS value
FROM given
