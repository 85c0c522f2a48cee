-- Where a window begins, in microseconds; an infinite past is no bound, an infinite future is after every span.
CASE
    WHEN isinf(CAST(start_time AS TIMESTAMPTZ)) AND CAST(start_time AS TIMESTAMPTZ) > TIMESTAMPTZ 'epoch'
        THEN 9223372036854775807
    WHEN isinf(CAST(start_time AS TIMESTAMPTZ)) THEN NULL
    ELSE epoch_us(CAST(start_time AS TIMESTAMPTZ))
END
