-- Whether the numbers that are kept were made by an engine that makes the same ones. The functions are named in full,
-- for the database may have macros of those names.
SELECT count(*) > 0
FROM spanduck_state.engine
WHERE probe = system.main.xor(
    system.main.hash('span-000001', 'span', 'Quality'),
    system.main.hash(NULL, 0.1::DOUBLE, 'a text that is not short')
)
