"""From a call's arguments and the engine's predicates to a `ScanPlan`. Nothing is read here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from spanduck._scan.window import sent_window
from spanduck.exceptions import ConfigError, FilterError
from spanduck_sql.expressions import (
    TIMESTAMP_TZ,
    AlwaysTrue,
    Compare,
    Comparison,
    Literal,
    Predicate,
    all_of,
)
from spanduck_sql.language.parser import parse
from spanduck_sql.plan import ScanPlan
from spanduck_sql.pushdown import Pushdown, Window, push_down, sent_text, split_generated
from spanduck_sql.schema import START_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    import pyarrow as pa

    from spanduck._config import LocalSettings

_UNREADABLE: Final = "nothing can be added to the call's own filter, which is sent as it is written"
_SAMPLED: Final = "sample_rate may be a share of what a filter leaves; nothing is added to its call"
_REFUSED: Final = "the service has refused the filter that was made of the conditions"


@dataclass(frozen=True)
class ScanRequest:
    """What a call asks for, before the engine adds predicates.

    Attributes:
        project: Name of the project.
        space: Name or id of the space.
        schema: SQL schema of the whole project.
        window: The call's own bounds.
        filter_text: Filter for the service; empty for none. Of two parts where a statement's own
            conditions were added to it: see `pushdown.split_generated`.
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
    implied: Iterable[Predicate] = (),
    is_refused: Callable[[str], bool] = lambda _: False,
) -> ScanPlan:
    """Plan one export.

    Args:
        request: The call.
        columns: SQL names to deliver, in this order.
        predicates: Conjuncts that the scan answers for.
        settings: For `require_window` and `pushdown`.
        now: When the scan starts; an open window is around it.
        implied: What is true of every row that is wanted and need not be applied again.
        is_refused: Whether the service is known to refuse a filter of which a part is ours.

    Raises:
        ConfigError: `require_window` is set and nothing bounds the scan.
    """
    conjuncts = tuple(predicates)
    given_filter, filter_text, pushdown = _pushed(request, conjuncts, implied, settings, is_refused)
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
        filter_text=filter_text,
        columns=tuple(columns),
        sample_rate=request.sample_rate,
        residual=all_of((*_bounds(request.window), *conjuncts)),
        declared_schema=request.schema,
        not_pushed=pushdown.not_pushed,
        given_filter=given_filter,
    )


def is_unbounded(plan: ScanPlan, now: datetime) -> bool:
    """Tell whether `plan` asks for everything the service holds."""
    return (plan.start_time, plan.end_time) == sent_window(Window(), now) and not plan.filter_text


def _pushed(
    request: ScanRequest,
    conjuncts: Sequence[Predicate],
    implied: Iterable[Predicate],
    settings: LocalSettings,
    is_refused: Callable[[str], bool],
) -> tuple[str, str, Pushdown]:
    """Return the caller's part of the filter, all of it, and what became of the conjuncts."""
    given_text, generated = split_generated(request.filter_text)
    try:
        given = parse(given_text) if given_text else AlwaysTrue()
    except FilterError:  # sent as it is, which the setting `strict` = false asks for
        return given_text, given_text, _kept_back(request, conjuncts, _UNREADABLE)
    if request.sample_rate is not None:
        return given_text, given_text, _kept_back(request, conjuncts, _SAMPLED)

    def push(wanted: Iterable[Predicate], window: Window, sent: Predicate) -> Pushdown:
        return push_down(wanted, window, schema=request.schema, mode=settings.pushdown, given=sent)

    ours = AlwaysTrue() if generated is None else generated
    pushed = push(conjuncts, request.window, all_of((given, ours)))
    ours = all_of((ours, pushed.filter or AlwaysTrue()))
    more = push(implied, pushed.window, all_of((given, ours)))
    ours = all_of((ours, more.filter or AlwaysTrue()))
    text = sent_text(given_text, None if isinstance(ours, AlwaysTrue) else ours)
    if is_refused(text):
        return given_text, given_text, _kept_back(request, conjuncts, _REFUSED)
    return given_text, text, replace(pushed, window=more.window)


def _kept_back(request: ScanRequest, conjuncts: Iterable[Predicate], reason: str) -> Pushdown:
    """Return the window that the conjuncts imply, and one reason for all that is not in it."""
    pushed = push_down(conjuncts, request.window, schema=request.schema, max_text=0)
    told = tuple((predicate, reason) for predicate, _ in pushed.not_pushed)
    return replace(pushed, not_pushed=told)


def _bounds(window: Window) -> Iterable[Predicate]:
    if window.start is not None:
        yield Compare(Comparison.GE, START_TIME, Literal(window.start, TIMESTAMP_TZ))
    if window.end is not None:
        yield Compare(Comparison.LT, START_TIME, Literal(window.end, TIMESTAMP_TZ))
