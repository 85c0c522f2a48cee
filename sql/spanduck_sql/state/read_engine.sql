-- Whether the numbers that are kept were made by an engine that makes the same ones.
SELECT count(*) > 0
FROM spanduck_state.engine
WHERE probe = xor(hash('span-000001', 'span', 'Quality'), hash(NULL, 0.1::DOUBLE, 'a text that is not short'))
