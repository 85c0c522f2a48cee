-- Texts of times as nanoseconds since the epoch; NULL where a text is none. ISO 8601 first, then
-- the caller's own format. A text without an offset is UTC. TIMESTAMPTZ reads the offset but stops
-- at microseconds, TIMESTAMP_NS the other way round: together they give both.
SELECT
    COALESCE(
        epoch_ns(TRY_CAST(value AS TIMESTAMPTZ))
            + (epoch_ns(TRY_CAST(value AS TIMESTAMP_NS)) % 1000 + 1000) % 1000,
        epoch_ns(
            CAST(
                TRY_STRPTIME(
                    value,
                    [
                        $1,
                        '%Y%m%dT%H%M%SZ',
                        '%Y%m%dT%H%M%S.%fZ',
                        '%Y%m%dT%H%M%S%z',
                        '%Y%m%dT%H%M%S.%f%z',
                        '%Y%m%dT%H%M%S'
                    ]
                ) AS TIMESTAMPTZ
            )
        )
    ) AS value
FROM given
