-- The refused values from `first_id` up to `end_id`, in the model's order.
SELECT * EXCLUDE (value_id)
FROM refused_between(getvariable('first_id'), getvariable('end_id'))
ORDER BY value_id
