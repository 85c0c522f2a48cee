-- Takes `incoming_known`, the numbers of values that the service is known to hold.
INSERT INTO known
SELECT
    quick_key,
    quick_value
FROM incoming_known
