-- The private database of one write-back. Tables of values only grow; what became of a value is worked out from
-- the few exceptions beside them.
CREATE MACRO quoted(text) AS concat(
    '''', left(text, 60), CASE WHEN length(text) > 60 THEN '…' ELSE '' END, ''''
);

CREATE TABLE value (
    row BIGINT,
    span_id VARCHAR,
    level VARCHAR,
    name VARCHAR,
    label VARCHAR,
    score DOUBLE,
    explanation VARCHAR,
    error_code VARCHAR,
    reason VARCHAR
);

-- Why valid values were not accepted, by number: few causes, however many values. `reason` is null where it names
-- another row.
CREATE TABLE cause (
    id INTEGER,
    status VARCHAR,
    error_code VARCHAR,
    reason VARCHAR
);

INSERT INTO cause
VALUES
    (1, 'duplicate', 'equal_duplicate', NULL),
    (2, 'invalid', 'conflicting_duplicate', NULL),
    (3, 'invalid', 'conflicting_duplicate', 'a later row gives this evaluation another value'),
    (4, 'unmatched', 'unknown_span', 'the project has no span with this id');

-- Valid values that were not accepted. Numbers alone: a join with them takes little memory even when it is all.
CREATE TABLE verdict (
    value_id BIGINT,
    cause_id INTEGER,
    other_row BIGINT
);

-- The evaluations that are sent: `call_group` share calls, `slot` is the place within a group.
CREATE TABLE evaluation (
    level VARCHAR,
    name VARCHAR,
    call_group INTEGER,
    slot INTEGER,
    has_label BOOLEAN,
    has_score BOOLEAN,
    has_explanation BOOLEAN
);
