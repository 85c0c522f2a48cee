-- Only what is named here is an argument. What the session knows and a connection beside it does not is handed over:
-- where names are looked up, and the zone that times without one are read in.
CREATE OR REPLACE MACRO write_back(
    model,
    project := NULL,
    kind := NULL,
    space := NULL,
    name := NULL,
    key := NULL,
    nulls := NULL,
    dry_run := false,
    against := NULL,
    "full" := false,
    only_failed := false,
    max_values := NULL,
    max_invalid := NULL,
    max_rejected := NULL,
    state := NULL
) AS TABLE
FROM query(
    spanduck_is_not_loaded__pip_install_spanduck(
        'write_back',
        CAST(project AS VARCHAR),
        NULL,
        NULL,
        CAST(
            json_object(
                'model', CAST(model AS VARCHAR),
                'kind', CAST(kind AS VARCHAR),
                'name', CAST(name AS VARCHAR),
                'key', CAST(key AS VARCHAR),
                'nulls', nulls,
                'dry_run', CAST(dry_run AS BOOLEAN),
                'against', CAST(against AS VARCHAR),
                'full', CAST("full" AS BOOLEAN),
                'only_failed', CAST(only_failed AS BOOLEAN),
                'max_values', CAST(max_values AS BIGINT),
                'max_invalid', max_invalid,
                'max_rejected', max_rejected,
                'state', CAST(state AS VARCHAR),
                'search_path', current_setting('search_path'),
                'time_zone', current_setting('TimeZone')
            ) AS VARCHAR
        ),
        NULL,
        NULL,
        CAST(space AS VARCHAR)
    )
)
