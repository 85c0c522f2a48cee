SELECT key_low
FROM part
