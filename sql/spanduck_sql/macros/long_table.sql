-- The macro of `evaluations` and of `annotations`, whose names stand in for `long_table`. `start_us` and `end_us` are
-- the expressions of their files.
CREATE OR REPLACE MACRO long_table(
    project,
    start_time := NULL,
    end_time := NULL,
    filter := NULL,
    space := NULL
) AS TABLE
FROM query(
    spanduck_is_not_loaded__pip_install_spanduck(
        'long_table',
        project,
        start_us,
        end_us,
        filter,
        NULL,
        NULL,
        space
    )
)
