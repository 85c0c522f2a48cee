"""Spans as a list returns them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from spanduck.types._pages import Item, Page, PageInfo


@dataclass(frozen=True)
class SpanContext:
    """What tells a span from all others.

    Attributes:
        trace_id: The trace it belongs to.
        span_id: The span.
    """

    trace_id: str | None
    span_id: str | None


@dataclass(frozen=True)
class SpanEvent:
    """Something that happened during a span.

    Attributes:
        name: What happened.
        timestamp: When; aware UTC.
        attributes: What else is known of it.
    """

    name: str | None
    timestamp: datetime | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SpanEvaluation:
    """An evaluation of a span.

    Attributes:
        name: Which evaluation.
        label: Its category.
        score: Its number.
        explanation: Why.
        metadata: Task and run, where the service knows them.
    """

    name: str
    label: str | None = None
    score: float | None = None
    explanation: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SpanAnnotation:
    """What a person said of a span.

    Attributes:
        name: Which annotation.
        label: Its category.
        score: Its number.
        text: In words.
        updated_at: When it was last said; aware UTC.
        annotator_id: Id of the user who said it.
        annotator_email: Their address.
    """

    name: str
    label: str | None = None
    score: float | None = None
    text: str | None = None
    updated_at: datetime | None = None
    annotator_id: str | None = None
    annotator_email: str | None = None


@dataclass(frozen=True)
class Span(Item):
    """A span as `SpansClient.list` returns it. Anything may be None where the service says so.

    Attributes:
        name: What was done.
        context: Its ids; `span_id` and `trace_id` are short for those in it.
        kind: `LLM`, `CHAIN`, `TOOL`, … or `UNKNOWN`.
        parent_id: Span id of the parent; None for a root.
        start_time: Aware UTC, in microseconds.
        end_time: The same.
        status_code: `OK`, `ERROR` or `UNSET`.
        status_message: What the status says in words.
        attributes: By name, without the leading `attributes.`: `{"llm.model_name": "gpt-4o"}`.
            Values are what JSON has: texts, numbers, booleans, lists and dictionaries.
        annotations: Annotations of the span.
        trace_annotations: Annotations of its trace, where the service tells them apart.
        evaluations: Evaluations of the span.
        events: What happened during it.
    """

    name: str | None
    context: SpanContext
    kind: str | None = None
    parent_id: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    status_code: str | None = None
    status_message: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    annotations: tuple[SpanAnnotation, ...] = ()
    trace_annotations: tuple[SpanAnnotation, ...] = ()
    evaluations: tuple[SpanEvaluation, ...] = ()
    events: tuple[SpanEvent, ...] = ()

    @property
    def span_id(self) -> str | None:
        """The id of the span."""
        return self.context.span_id

    @property
    def trace_id(self) -> str | None:
        """The id of its trace."""
        return self.context.trace_id

    @property
    def latency_ms(self) -> float | None:
        """Milliseconds from start to end; None without either."""
        if self.start_time is None or self.end_time is None:
            return None
        return (self.end_time - self.start_time) / timedelta(milliseconds=1)


@dataclass(frozen=True)
class SpansPage(Page[Span]):
    """One page of a list of spans, newest first. Iterating over it gives its spans.

    Attributes:
        spans: The spans.
        pagination: Whether there is a next page, and its cursor.
    """

    spans: tuple[Span, ...]
    pagination: PageInfo = field(default_factory=PageInfo)

    _ITEMS: ClassVar = "spans"

    def _rows(self) -> list[dict[str, Any]]:
        return [_flattened(span) for span in self.spans]


def _flattened(span: Span) -> dict[str, Any]:
    row = span.to_dict()
    for annotation in row.pop("annotations"):
        name = annotation.pop("name")
        for key, value in annotation.items():
            row[f"annotation.{name}.{key}"] = value
    return row
