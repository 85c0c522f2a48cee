-- One row for each (span, level, name). No key and no index: one writer merges, see contracts of
-- the store.
CREATE TABLE evaluations (
    span_id VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    label VARCHAR,
    score DOUBLE,
    explanation VARCHAR,
    updated_by VARCHAR,
    updated_at TIMESTAMP NOT NULL
)
