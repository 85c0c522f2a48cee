"""The table functions behind `spanduck.attach`; `spanduck.table_function` is what is public."""
