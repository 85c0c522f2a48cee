-- What every span has. Attributes follow as further columns.
CREATE TABLE spans (
    span_id VARCHAR NOT NULL,
    trace_id VARCHAR,
    parent_id VARCHAR,
    name VARCHAR,
    start_time BIGINT NOT NULL,
    end_time BIGINT,
    status_code VARCHAR,
    status_message VARCHAR,
    span_kind VARCHAR,
    event_attributes VARCHAR,
    events VARCHAR[]
)
