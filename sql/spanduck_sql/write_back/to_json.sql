SELECT CAST(to_json(COLUMNS(*)) AS VARCHAR)
FROM incoming_cells
