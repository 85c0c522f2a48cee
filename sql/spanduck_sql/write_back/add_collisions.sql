-- Takes `incoming_keys`.
INSERT INTO collision
SELECT quick_key
FROM incoming_keys
