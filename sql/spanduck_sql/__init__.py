"""The SQL side of spanduck: span columns, predicates and plans. Pure: no network, no database."""
