-- Macros and functions of our names that are not ours, where they would be replaced or stand before ours.
SELECT DISTINCT function_name
FROM duckdb_functions()
WHERE lower(function_name) IN (SELECT unnest(?))
    AND NOT internal
    AND (
        (database_name = current_database() AND schema_name = current_schema())
        OR database_name = 'temp'
    )
    AND NOT contains(coalesce(macro_definition, ''), ?)
ORDER BY function_name
