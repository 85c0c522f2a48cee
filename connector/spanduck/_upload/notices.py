"""What the caller is told about data that does not travel, as warnings at the caller's own line."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

from spanduck._upload.columns import dropped_columns

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN_IDS = 3


def warn(message: str) -> None:
    """Warn at the nearest line outside this package."""
    # What `warnings` does itself from Python 3.12 on.
    level, frame = 1, sys._getframe()  # noqa: SLF001
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("spanduck."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


def warn_of_dropped_columns(names: list[str]) -> None:
    """Name the columns of spans that an upload leaves out, and what to do with them."""
    evaluations, others = dropped_columns(names)
    if others:
        warn(
            f"columns that are no part of a span are not sent: {', '.join(others)}. Call them "
            "attributes.<name> to send them as attributes."
        )
    if evaluations:
        warn(
            f"columns of evaluations are not sent with spans: {', '.join(evaluations)}. Pass them "
            "in evals_dataframe."
        )


def warn_of_unknown_evaluations(names: list[str]) -> None:
    """Name the columns beside evaluations that are none."""
    if names:
        warn(
            f"columns of evals_dataframe that are no evaluations are not sent: {', '.join(names)}. "
            "An evaluation is eval.<name>.label, eval.<name>.score, eval.<name>.explanation."
        )


def warn_of_unmatched(span_ids: pa.Array) -> None:
    """Say which evaluations found no span."""
    if len(span_ids):
        shown = ", ".join(repr(span_id) for span_id in span_ids[:_SHOWN_IDS].to_pylist())
        more = ", …" if len(span_ids) > _SHOWN_IDS else ""
        warn(
            f"{len(span_ids):,} rows of evals_dataframe belong to no span of dataframe and are not "
            f"sent: {shown}{more}. Send them with update_evaluations."
        )
