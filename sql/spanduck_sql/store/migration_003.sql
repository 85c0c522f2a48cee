-- What annotations may be called, and what they may say. Their names are unique in a space.

CREATE TABLE annotation_configs (
    number INTEGER NOT NULL,
    id VARCHAR NOT NULL,
    space_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL,
    -- CATEGORICAL, CONTINUOUS or FREEFORM; what else a config of that type says is in `definition`,
    -- a JSON object.
    type VARCHAR NOT NULL,
    definition VARCHAR NOT NULL
);
