-- Where nothing is held, every value is new.
INSERT INTO queue
SELECT p.value_id, true
FROM part AS p
ANTI JOIN verdict AS d
    ON d.value_id = p.value_id
