"""Traces as a list returns them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from spanduck.types._pages import Page, PageInfo
from spanduck.types._plain import data_frame, json_text, plain

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from spanduck.types._spans import Span


@dataclass(frozen=True)
class Trace:
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

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, spans as dictionaries; times stay times."""
        named: dict[str, Any] = plain(self)
        return named

    def to_json(self) -> str:
        """Return the same as JSON text; times in ISO 8601."""
        return json_text(self.to_dict())


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

    def to_df(self, *, json_normalize: bool = False) -> pd.DataFrame:
        """Return a DataFrame with a row for each trace.

        As the vendor's SDK makes it: `spans` is a column of lists of dictionaries, and columns that
        are null in every row are left out.

        Args:
            json_normalize: Make a column of each key of nested objects; lists stay lists.
        """
        return data_frame(self.to_dicts(), json_normalize=json_normalize)
