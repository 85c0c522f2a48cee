-- The catalogue of a store. Spans and evaluations themselves live in tables of their own, one set
-- for each project, named by `tables` and `projects`.

CREATE TABLE spaces (
    number INTEGER NOT NULL,
    id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    description VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE projects (
    number INTEGER NOT NULL,
    id VARCHAR NOT NULL,
    space_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL,
    -- Changes with every change of the rows of `tables` or `columns`, so that a reader can tell
    -- within its own snapshot whether what it remembers of them still holds.
    generation BIGINT NOT NULL,
    -- The largest average size of a row in a received batch, in bytes. Bounds the batches of exports.
    row_bytes BIGINT NOT NULL
);

-- Where the rows of a project lie. A span is in one of the tables with the role 'spans'; the last of
-- them takes new ones. A further table is begun when columns come that would be dear to add to a
-- long one.
CREATE TABLE tables (
    project INTEGER NOT NULL,
    role VARCHAR NOT NULL,
    number INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    -- Rows deleted since the last rewrite. They still take space.
    dead_rows BIGINT NOT NULL
);

-- Logical columns in first-seen order. One row for each kind a name was sent as; a name that was
-- only ever null has one row without a kind. `physical` is NULL where there is nothing to read:
-- no kind yet, or an evaluation, whose place is the long table. `table_number` is the first table of
-- spans that has the column; later ones have it, too.
CREATE TABLE columns (
    project INTEGER NOT NULL,
    position INTEGER NOT NULL,
    logical VARCHAR NOT NULL,
    kind VARCHAR,
    place VARCHAR NOT NULL,
    table_number INTEGER,
    physical VARCHAR,
    -- Every text so far was valid JSON and none was empty.
    is_json BOOLEAN NOT NULL,
    -- Every integer so far is exact as a double.
    is_exact_double BOOLEAN NOT NULL
);
