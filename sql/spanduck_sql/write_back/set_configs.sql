-- The annotation configs as a map by name.
SET VARIABLE configs = (
    SELECT map(
        coalesce(list(name), []),
        coalesce(list({'minimum': minimum, 'maximum': maximum, 'labels': labels}), [])
    )
    FROM config
);
