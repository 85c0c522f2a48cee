"""Which columns of spans travel."""

from __future__ import annotations

from typing import Final

from spanduck_sql.schema import (
    ATTRIBUTE_PREFIX,
    EVENT_ATTRIBUTES,
    LATENCY_MS,
    UPLOAD_COLUMN_BY_NAME,
    UPLOAD_SPAN_KIND,
    WIRE_TIME,
    parse_evaluation_column,
)

# What the service computes itself from the rest of a span, so that nothing is lost when an export
# is sent again.
_COMPUTED_BY_SERVICE: Final = frozenset({WIRE_TIME, LATENCY_MS, EVENT_ATTRIBUTES})


def is_sent(column: str) -> bool:
    """Tell whether a column of spans travels: the known ones, and every attribute."""
    return (
        column in UPLOAD_COLUMN_BY_NAME
        or column == UPLOAD_SPAN_KIND
        or column.startswith(ATTRIBUTE_PREFIX)
    )


def dropped_columns(columns: list[str]) -> tuple[list[str], list[str]]:
    """Return the columns that an upload leaves out and the service does not compute.

    Returns:
        Columns of evaluations, which belong into `evals_dataframe`; and all others.
    """
    dropped = [name for name in columns if not is_sent(name) and name not in _COMPUTED_BY_SERVICE]
    evaluations = [name for name in dropped if parse_evaluation_column(name) is not None]
    return evaluations, [name for name in dropped if name not in evaluations]
