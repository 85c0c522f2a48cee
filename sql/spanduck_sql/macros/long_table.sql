-- The macro of `evaluations` and of `annotations`: the name stands in for `long_table`.
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
        CASE
            WHEN isinf(CAST(start_time AS TIMESTAMPTZ)) AND CAST(start_time AS TIMESTAMPTZ) > TIMESTAMPTZ 'epoch'
                THEN 9223372036854775807
            WHEN isinf(CAST(start_time AS TIMESTAMPTZ)) THEN NULL
            ELSE epoch_us(CAST(start_time AS TIMESTAMPTZ))
        END,
        CASE
            WHEN isinf(CAST(end_time AS TIMESTAMPTZ)) AND CAST(end_time AS TIMESTAMPTZ) < TIMESTAMPTZ 'epoch'
                THEN -9223372036854775807
            WHEN isinf(CAST(end_time AS TIMESTAMPTZ)) THEN NULL
            ELSE epoch_us(CAST(end_time AS TIMESTAMPTZ))
        END,
        filter,
        NULL,
        NULL,
        space
    )
)
