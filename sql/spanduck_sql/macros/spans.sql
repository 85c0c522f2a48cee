-- `start_us` and `end_us` are the expressions of their files.
CREATE OR REPLACE MACRO spans(
    project,
    start_time := NULL,
    end_time := NULL,
    filter := NULL,
    columns := NULL,
    sample_rate := NULL,
    space := NULL
) AS TABLE
FROM query(
    spanduck_is_not_loaded__pip_install_spanduck(
        'spans',
        project,
        start_us,
        end_us,
        filter,
        CAST(columns AS VARCHAR[]),
        CAST(sample_rate AS DOUBLE),
        space
    )
)
