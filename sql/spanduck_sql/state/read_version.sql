-- Zero makes what is no state fail when its tables are made.
SELECT coalesce(max(version), 0)
FROM spanduck_state.meta
