-- Which value a row is and what it said, in numbers that cost less than digests: see the table below. NULL where the
-- value was not sent by this state, or by another release of the engine.
ALTER TABLE spanduck_state.held ADD COLUMN quick_key UBIGINT;

ALTER TABLE spanduck_state.held ADD COLUMN quick_value UBIGINT;

-- What the engine's own hash makes of some values. Another release may make something else of them, and then of all.
CREATE TABLE spanduck_state.engine (
    probe UBIGINT
);

INSERT INTO spanduck_state.meta
VALUES (2);
