-- One statement for each macro that calls our function, wherever it is.
SELECT
    'DROP MACRO TABLE IF EXISTS "' || replace(database_name, '"', '""') || '"."'
        || replace(schema_name, '"', '""') || '"."' || replace(function_name, '"', '""') || '"'
FROM duckdb_functions()
WHERE function_type = 'table_macro'
    AND contains(macro_definition, ?)
