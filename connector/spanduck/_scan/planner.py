"""From a call's arguments and the engine's predicates to a `ScanPlan`. Nothing is read here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from spanduck._scan.window import sent_window
from spanduck.exceptions import ConfigError
from spanduck_sql.expressions import (
    TIMESTAMP_TZ,
    Compare,
    Comparison,
    Literal,
    Predicate,
    all_of,
)
from spanduck_sql.plan import ScanPlan
from spanduck_sql.pushdown import Window, push_down
from spanduck_sql.schema import START_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    import pyarrow as pa

    from spanduck._config import LocalSettings


@dataclass(frozen=True)
class ScanRequest:
    """What a call asks for, before the engine adds predicates.

    Attributes:
        project: Name of the project.
        space: Name or id of the space.
        schema: SQL schema of the whole project.
        window: The call's own bounds.
        filter_text: Filter for the service; empty for none.
        sample_rate: Share of the traces, None for all.
    """

    project: str
    space: str
    schema: pa.Schema
    window: Window = field(default_factory=Window)
    filter_text: str = ""
    sample_rate: float | None = None


def plan_scan(
    request: ScanRequest,
    columns: Sequence[str],
    predicates: Iterable[Predicate],
    *,
    settings: LocalSettings,
    now: datetime,
) -> ScanPlan:
    """Plan one export.

    Args:
        request: The call.
        columns: SQL names to deliver, in this order.
        predicates: Conjuncts that the scan answers for.
        settings: For `require_window`.
        now: When the scan starts; an open window is around it.

    Raises:
        ConfigError: `require_window` is set and nothing bounds the scan.
    """
    conjuncts = tuple(predicates)
    pushdown = push_down(conjuncts, request.window)
    if settings.require_window and not pushdown.window.is_bounded:
        raise ConfigError(
            f"a scan of {request.project!r} without bounds on {START_TIME} is refused",
            next_step="Add start_time := … to the call, or set require_window = false.",
            setting="require_window",
        )
    start_time, end_time = sent_window(pushdown.window, now)
    return ScanPlan(
        project=request.project,
        space=request.space,
        # An empty window stays empty when its ends are rounded away from each other.
        start_time=end_time if pushdown.window.is_empty else start_time,
        end_time=end_time,
        filter_text=request.filter_text,
        columns=tuple(columns),
        sample_rate=request.sample_rate,
        residual=all_of((*_bounds(request.window), *conjuncts)),
        declared_schema=request.schema,
        not_pushed=pushdown.not_pushed,
    )


def is_unbounded(plan: ScanPlan, now: datetime) -> bool:
    """Tell whether `plan` asks for everything the service holds."""
    return (plan.start_time, plan.end_time) == sent_window(Window(), now) and not plan.filter_text


def _bounds(window: Window) -> Iterable[Predicate]:
    if window.start is not None:
        yield Compare(Comparison.GE, START_TIME, Literal(window.start, TIMESTAMP_TZ))
    if window.end is not None:
        yield Compare(Comparison.LT, START_TIME, Literal(window.end, TIMESTAMP_TZ))
