-- The current database, if what is written there stays.
SELECT database_name
FROM duckdb_databases()
WHERE database_name = current_database()
    AND path IS NOT NULL
    AND NOT readonly
    AND type = 'duckdb'
