-- The private database of one write-back. Tables of values only grow; what became of a value is worked out from
-- the exceptions beside them. Values are numbered in the order in which they came.
CREATE MACRO quoted(text) AS concat(
    '''', left(text, 60), CASE WHEN length(text) > 60 THEN '…' ELSE '' END, ''''
);

-- Half of a digest: that two texts which one after the other stand under the same name have the same one does not
-- happen by chance.
CREATE MACRO digest(text) AS CAST(md5_number(text) & 18446744073709551615::UHUGEINT AS UBIGINT);

-- Which value: one name of one span. Both halves of a digest; one of them would meet another value's by chance
-- among billions. A name's length tells where it ends.
CREATE MACRO key_of(span_id, level, name) AS md5_number(concat(level, ':', length(name), ':', name, span_id));

CREATE MACRO high(key) AS CAST(key >> 64 AS UBIGINT);

CREATE MACRO low(key) AS CAST(key & 18446744073709551615::UHUGEINT AS UBIGINT);

-- Two numbers tell which value it is and what it says. They cost a tenth of digests, and are the engine's own, so they
-- are good for one release of it. A null field counts: a value that says less than before is looked at anew.
CREATE MACRO quick_key_of(span_id, level, name) AS hash(span_id, level, name);

CREATE MACRO quick_value_of(label, score, body) AS hash(label, score, body);

-- JSON with a zero for each text and without white space; what is left are brackets, numbers and words.
CREATE MACRO bare(json_text) AS regexp_replace(
    regexp_replace(json_text, '"(\\.|[^"\\])*"', '0', 'g'), '\s', '', 'g'
);

CREATE MACRO brackets(bare_json) AS translate(
    regexp_replace(bare_json, '[^\[\]{}]', '', 'g'), '{}', '[]'
);

-- Whether JSON has more than so many levels of objects and lists within each other, empty ones not counted.
CREATE MACRO is_deeper(json_text, levels) AS list_reduce(
    list_prepend(
        brackets(replace(replace(bare(json_text), '[]', '0'), '{}', '0')),
        list_transform(range(levels), lambda step: '')
    ),
    lambda rest, step: replace(rest, '[]', '')
) <> '';

-- What a first number that JSON does not have stands under, with its key if it has one.
CREATE MACRO not_finite_part(json_text) AS coalesce(
    nullif(
        regexp_extract(
            json_text,
            '"(\\.|[^"\\])*"\s*:[\s\[,\d.eE+-]*(?i:nan|inf(inity)?)\b'
        ),
        ''
    ),
    json_text
);

-- How long a note is as it is written: JSON with ASCII escapes within a list that is a text, as the vendor counts.
CREATE MACRO note_length(text) AS (
    length(to_json(text)) + length(regexp_replace(to_json(text), '[^\\'']', '', 'g'))
    -- A character of its own is six of an escape and the backslash anew, or two such.
    + 6 * length(regexp_replace(text, '[^\x{7F}-\x{FFFF}]', '', 'g'))
    + 13 * length(regexp_replace(text, '[^\x{10000}-\x{10FFFF}]', '', 'g'))
    + length('[''{"text": , "updated_by": "SDK", "updated_at": 1700000000000}'']')
);

-- Why a value was not accepted, when it was not.
CREATE MACRO reason_of(error_code, own_reason, cause_id, other_row, cause_reason) AS CASE
    WHEN error_code IS NOT NULL THEN own_reason
    WHEN cause_id = 1 THEN concat('equal to row ', other_row, ', which stands for both')
    WHEN cause_id = 2 THEN concat('row ', other_row, ' gives another value for this name')
    ELSE cause_reason
END;

-- Names of the span level stand alone; the others keep the prefix their column would have.
CREATE MACRO shown_name(level, name) AS CASE level
    WHEN 'trace' THEN 'trace_eval.' || name
    WHEN 'session' THEN 'session_eval.' || name
    ELSE name
END;

CREATE TABLE value (
    value_id BIGINT,
    row BIGINT,
    span_id VARCHAR,
    level VARCHAR,
    name VARCHAR,
    label VARCHAR,
    score DOUBLE,
    body VARCHAR,
    error_code VARCHAR,
    reason VARCHAR,
    key_high UBIGINT,
    key_low UBIGINT,
    label_hash UBIGINT,
    body_hash UBIGINT,
    quick_key UBIGINT,
    quick_value UBIGINT,
    -- The service has it already: it was put aside, and there are no digests.
    is_known BOOLEAN
);

-- What several values may share.
CREATE TABLE collision (
    quick_key UBIGINT
);

-- What the service holds, as far as is known.
CREATE TABLE held (
    key_high UBIGINT,
    key_low UBIGINT,
    label_hash UBIGINT,
    score DOUBLE,
    body_hash UBIGINT
);

-- The values that failed in earlier runs, for a run of only those.
CREATE TABLE failed (
    key_high UBIGINT,
    key_low UBIGINT
);

-- What is to be sent, and whether the service has another value under that name.
CREATE TABLE queue (
    value_id BIGINT,
    is_new BOOLEAN
);

-- What of it the calls that are made now carry.
CREATE TABLE sending (
    value_id BIGINT
);

-- What was sent, without an answer.
CREATE TABLE doubt (
    value_id BIGINT
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
    (3, 'invalid', 'conflicting_duplicate', 'a later row gives another value for this name'),
    (4, 'unmatched', 'unknown_span', 'the project has no span with this id'),
    (5, 'unchanged', NULL, NULL),
    (6, 'left', NULL, NULL),
    (7, 'unmatched', 'unknown_key', 'no span of the project has this key');

-- Valid values that were not accepted. Numbers alone: a join with them takes little memory even when it is all.
CREATE TABLE verdict (
    value_id BIGINT,
    cause_id INTEGER,
    other_row BIGINT
);

-- The names that are sent: `call_group` share calls, `slot` is the place within a group.
CREATE TABLE sent_name (
    level VARCHAR,
    name VARCHAR,
    call_group INTEGER,
    slot INTEGER,
    has_label BOOLEAN,
    has_score BOOLEAN,
    has_body BOOLEAN
);

-- The annotation configs of the space: what a score or a label of that name may be.
CREATE TABLE config (
    name VARCHAR,
    minimum DOUBLE,
    maximum DOUBLE,
    labels VARCHAR[]
);
