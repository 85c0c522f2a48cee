-- The databases of files that the connection has open, for writing or not.
SELECT
    database_name,
    path,
    readonly
FROM duckdb_databases()
WHERE path IS NOT NULL
    AND type = 'duckdb'
