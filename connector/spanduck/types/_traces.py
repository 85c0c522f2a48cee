"""Traces as a list returns them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from spanduck.types._pages import Item, Page, PageInfo

if TYPE_CHECKING:
    from datetime import datetime

    from spanduck.types._spans import Span


@dataclass(frozen=True)
class Trace(Item):
    """A trace as `SpansClient.list_traces` returns it.

    An entry stands for a root span: a trace that has two is listed twice.

    Attributes:
        trace_id: The trace.
        root_span_id: The span without a parent that the entry stands for.
        start_time: First start among `spans`; aware UTC.
        end_time: Last end among them; the same.
        spans_truncated: The service left spans of this trace out; `list` with a filter on
            `context.trace_id` finds them all.
        spans: Its spans in the window, in no order that a service promises; `parent_id` makes a
            tree of them.
    """

    trace_id: str | None
    root_span_id: str | None
    start_time: datetime | None = None
    end_time: datetime | None = None
    spans_truncated: bool = False
    spans: tuple[Span, ...] = ()

    @property
    def root_span(self) -> Span | None:
        """The span that the entry stands for; None when it is not among `spans`."""
        return next((span for span in self.spans if span.span_id == self.root_span_id), None)


@dataclass(frozen=True)
class TracesPage(Page[Trace]):
    """One page of a list of traces, newest root first. Iterating over it gives its traces.

    Attributes:
        traces: The traces.
        pagination: Whether there is a next page, and its cursor.
    """

    traces: tuple[Trace, ...]
    pagination: PageInfo = field(default_factory=PageInfo)

    _ITEMS: ClassVar = "traces"
