-- One row for each (span, level, name). No key and no index: one writer merges. `level` is what is
-- annotated: the span, or the trace or session whose root it is.
CREATE TABLE annotations (
    span_id VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    label VARCHAR,
    score DOUBLE,
    text VARCHAR,
    updated_by VARCHAR,
    updated_at TIMESTAMP NOT NULL
)
