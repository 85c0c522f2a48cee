CREATE OR REPLACE MACRO projects(
    space := NULL
) AS TABLE
FROM query(
    spanduck_is_not_loaded__pip_install_spanduck(
        'projects', NULL, NULL, NULL, NULL, NULL, NULL, space
    )
)
