-- Takes `incoming_ids`: those of the refused values, in the model's order.
SELECT * EXCLUDE (value_id)
FROM refused_between(getvariable('first_id'), getvariable('end_id'))
SEMI JOIN incoming_ids AS i
    USING (value_id)
ORDER BY value_id
