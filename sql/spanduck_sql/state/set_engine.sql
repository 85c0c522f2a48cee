UPDATE spanduck_state.held
SET
    quick_key = NULL,
    quick_value = NULL
WHERE quick_value IS NOT NULL;

DELETE FROM spanduck_state.engine;

INSERT INTO spanduck_state.engine
VALUES (
    system.main.xor(
        system.main.hash('span-000001', 'span', 'Quality'),
        system.main.hash(NULL, 0.1::DOUBLE, 'a text that is not short')
    )
);
