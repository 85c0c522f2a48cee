-- One row for each span with notes: JSON texts, oldest first.
CREATE TABLE notes (
    span_id VARCHAR NOT NULL,
    notes VARCHAR[] NOT NULL
)
