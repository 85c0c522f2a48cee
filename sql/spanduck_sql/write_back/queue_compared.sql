INSERT INTO verdict
SELECT value_id, 5, NULL
FROM compared
WHERE is_same
    AND NOT getvariable('is_full');

INSERT INTO queue
SELECT value_id, NOT is_held
FROM compared
WHERE NOT is_same
    OR getvariable('is_full');

DROP TABLE compared;
