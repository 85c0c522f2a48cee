-- Where a window ends, in microseconds; an infinite future is no bound, an infinite past is before every span.
CASE
    WHEN isinf(CAST(end_time AS TIMESTAMPTZ)) AND CAST(end_time AS TIMESTAMPTZ) < TIMESTAMPTZ 'epoch'
        THEN -9223372036854775807
    WHEN isinf(CAST(end_time AS TIMESTAMPTZ)) THEN NULL
    ELSE epoch_us(CAST(end_time AS TIMESTAMPTZ))
END
