-- Tables named in the singular hold numbers for what is the same in many rows; the views beside them are for people.
CREATE SCHEMA IF NOT EXISTS spanduck_state;

CREATE TYPE spanduck_state.value_level AS ENUM ('span', 'trace', 'session');

CREATE TYPE spanduck_state.value_operation AS ENUM ('new', 'changed');

CREATE TYPE spanduck_state.value_status AS ENUM (
    'accepted', 'invalid', 'duplicate', 'rejected', 'unmatched'
);

CREATE SEQUENCE spanduck_state.numbers;

CREATE TABLE spanduck_state.meta (
    version INTEGER
);

-- What runs write to.
CREATE TABLE spanduck_state.target (
    target BIGINT,
    space_id VARCHAR,
    project_id VARCHAR,
    project VARCHAR,
    kind VARCHAR
);

-- Every run that sent something or tried to. Counts are of values; `left` were not looked at.
CREATE TABLE spanduck_state.runs (
    run_id VARCHAR,
    model VARCHAR,
    kind VARCHAR,
    space_id VARCHAR,
    project_id VARCHAR,
    project VARCHAR,
    status VARCHAR,
    started_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    "rows" BIGINT,
    "values" BIGINT,
    accepted BIGINT,
    unchanged BIGINT,
    invalid BIGINT,
    duplicate BIGINT,
    rejected BIGINT,
    unmatched BIGINT,
    "new" BIGINT,
    changed BIGINT,
    "left" BIGINT,
    calls BIGINT,
    bytes BIGINT,
    seconds DOUBLE,
    error VARCHAR,
    run BIGINT
);

-- What became of every value that was not unchanged.
CREATE TABLE spanduck_state.change (
    run BIGINT,
    span_id VARCHAR,
    level spanduck_state.value_level,
    name VARCHAR,
    operation spanduck_state.value_operation,
    status spanduck_state.value_status,
    error_code VARCHAR,
    reason VARCHAR,
    "at" TIMESTAMPTZ
);

CREATE VIEW spanduck_state.changelog AS
SELECT
    r.run_id,
    r.model,
    r.project,
    r.kind,
    c.span_id,
    c.level,
    c.name,
    c.operation,
    c.status,
    c.error_code,
    c.reason,
    c."at"
FROM spanduck_state.change AS c
JOIN spanduck_state.runs AS r
    ON r.run = c.run;

-- What the service holds as far as this state knows: the last values it accepted. Texts as halves of their MD5, a
-- value's place (span, level, name) as a whole one.
CREATE TABLE spanduck_state.held (
    target BIGINT,
    span_id VARCHAR,
    level spanduck_state.value_level,
    name VARCHAR,
    key_high UBIGINT,
    key_low UBIGINT,
    label_hash UBIGINT,
    score DOUBLE,
    body_hash UBIGINT,
    run BIGINT,
    "at" TIMESTAMPTZ
);

CREATE VIEW spanduck_state.accepted AS
SELECT
    t.space_id,
    t.project_id,
    t.project,
    t.kind,
    h.span_id,
    h.level,
    h.name,
    h.key_high,
    h.key_low,
    h.label_hash,
    h.score,
    h.body_hash,
    r.run_id,
    h."at"
FROM spanduck_state.held AS h
JOIN spanduck_state.target AS t
    ON t.target = h.target
LEFT JOIN spanduck_state.runs AS r
    ON r.run = h.run;

-- Values of calls that have begun and were not answered; the next run looks at the service for them.
CREATE TABLE spanduck_state.sent (
    target BIGINT,
    run BIGINT,
    call INTEGER,
    span_id VARCHAR,
    level spanduck_state.value_level,
    name VARCHAR,
    operation spanduck_state.value_operation,
    key_high UBIGINT,
    key_low UBIGINT,
    label_hash UBIGINT,
    score DOUBLE,
    body_hash UBIGINT
);

CREATE VIEW spanduck_state.pending AS
SELECT
    r.run_id,
    s.call,
    r.model,
    t.space_id,
    t.project_id,
    t.project,
    t.kind,
    s.span_id,
    s.level,
    s.name,
    s.operation
FROM spanduck_state.sent AS s
JOIN spanduck_state.target AS t
    ON t.target = s.target
LEFT JOIN spanduck_state.runs AS r
    ON r.run = s.run;

-- The values that the last try did not write, as the model gave them.
CREATE TABLE spanduck_state.rejected (
    run_id VARCHAR,
    model VARCHAR,
    space_id VARCHAR,
    project_id VARCHAR,
    project VARCHAR,
    kind VARCHAR,
    "row" BIGINT,
    span_id VARCHAR,
    level VARCHAR,
    name VARCHAR,
    label VARCHAR,
    score DOUBLE,
    body VARCHAR,
    key_high UBIGINT,
    key_low UBIGINT,
    status VARCHAR,
    error_code VARCHAR,
    reason VARCHAR,
    tries INTEGER,
    "at" TIMESTAMPTZ
);

-- Up to which start of a span an incremental model has been run.
CREATE TABLE spanduck_state.watermarks (
    model VARCHAR,
    space_id VARCHAR,
    project_id VARCHAR,
    watermark TIMESTAMPTZ,
    run_id VARCHAR,
    "at" TIMESTAMPTZ
);

INSERT INTO spanduck_state.meta
VALUES (1);
