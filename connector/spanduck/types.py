"""Public value types: what methods return, and what they take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

__all__ = [
    "AnnotateRecordInput",
    "AnnotationInput",
    "DeleteResponse",
    "MetadataResponse",
    "PageInfo",
    "Span",
    "SpanAnnotation",
    "SpanContext",
    "SpanEvaluation",
    "SpanEvent",
    "SpansPage",
    "UpdateResponse",
    "UploadResponse",
]


@dataclass(frozen=True)
class AnnotationInput:
    """What is said of a record under one name. What is None leaves the stored value alone.

    Attributes:
        name: Which annotation.
        score: Its number; finite.
        label: Its category.
        text: In words.
    """

    name: str
    score: float | None = None
    label: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class AnnotateRecordInput:
    """What is said of one record.

    Attributes:
        record_id: Id of a span, of the root span of a trace, or of a session.
        values: One or more annotations, each of another name.
    """

    record_id: str
    values: Sequence[AnnotationInput]


@dataclass(frozen=True)
class UploadResponse:
    """What an upload of spans came to.

    Attributes:
        status_code: HTTP status of the last call.
        spans: Spans sent and acknowledged.
        evaluations: Evaluation values sent with them.
        calls: Calls made.
        size_bytes: Bytes sent as request bodies.
    """

    status_code: int
    spans: int = 0
    evaluations: int = 0
    calls: int = 0
    size_bytes: int = 0


@dataclass(frozen=True)
class DeleteResponse:
    """What a delete came to; both lists are always present, in the order of the call.

    Attributes:
        completed: Every id was dealt with. If not, delete the same ids again.
        deleted_span_ids: Ids of spans that are gone. From an older service, which tells no more
            than that it is done, all ids.
        not_deleted_span_ids: Ids that no span in the window has; unless completed, also those
            that the service did not come to.
        calls: Calls made, repetitions among them.
    """

    completed: bool
    deleted_span_ids: tuple[str, ...] = ()
    not_deleted_span_ids: tuple[str, ...] = ()
    calls: int = 0


@dataclass(frozen=True)
class MetadataResponse(Mapping[str, Any]):
    """What a write-back of metadata came to.

    Also a mapping of its fields, as the vendor's client returns one; but every count is an int, and
    nothing is ever absent: `response["spans_failed"]` is 0 when all went well.

    Attributes:
        spans_processed: Rows of the call.
        spans_updated: Rows that were applied.
        spans_failed: Rows that were not.
        errors: A dictionary with `span_id` and `error_message` for each of them.
        calls: Calls made.
        size_bytes: Bytes of record batches sent.
    """

    spans_processed: int = 0
    spans_updated: int = 0
    spans_failed: int = 0
    errors: Sequence[Mapping[str, str]] = ()
    calls: int = 1
    size_bytes: int = 0

    # `Any`: the values of the fields.
    def __getitem__(self, name: str) -> Any:
        if name not in self.__dataclass_fields__:
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dataclass_fields__)

    def __len__(self) -> int:
        return len(self.__dataclass_fields__)


@dataclass(frozen=True)
class UpdateResponse:
    """What a write-back came to; every count is an int and always present.

    Attributes:
        status_code: 200, or the HTTP status of the last call when it went over HTTP.
        records_updated: Spans of which something was written.
        unmatched_ids: Span ids the service does not hold, in the order it names them.
        calls: Calls made.
        size_bytes: Bytes of record batches sent.
    """

    status_code: int
    records_updated: int = 0
    unmatched_ids: tuple[str, ...] = ()
    calls: int = 0
    size_bytes: int = 0


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
class Span:
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

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, nested ones as dictionaries and lists; times stay times."""
        named: dict[str, Any] = _plain(self)
        return named

    def to_json(self) -> str:
        """Return the same as JSON text; times in ISO 8601."""
        return _json(self.to_dict())


@dataclass(frozen=True)
class PageInfo:
    """How to go on after a page.

    Attributes:
        has_more: Whether there is another page.
        next_cursor: The cursor of that page; None on the last one.
    """

    has_more: bool = False
    next_cursor: str | None = None


@dataclass(frozen=True)
class SpansPage:
    """One page of a list of spans, newest first. Iterating over it gives its spans.

    Attributes:
        spans: The spans.
        pagination: Whether there is a next page, and its cursor.
    """

    spans: tuple[Span, ...]
    pagination: PageInfo = PageInfo()

    def __iter__(self) -> Iterator[Span]:
        return iter(self.spans)

    def __len__(self) -> int:
        return len(self.spans)

    def to_dict(self) -> dict[str, Any]:
        """Return `{"spans": [...], "pagination": {...}}`; times stay times."""
        return {"spans": self.to_dicts(), "pagination": _plain(self.pagination)}

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return the spans as dictionaries; times stay times."""
        return [span.to_dict() for span in self.spans]

    def to_json(self) -> str:
        """Return `to_dict()` as JSON text; times in ISO 8601."""
        return _json(self.to_dict())

    def to_df(self, *, json_normalize: bool = False) -> pd.DataFrame:
        """Return a DataFrame with a row for each span.

        As the vendor's SDK makes it: `context`, `attributes`, `evaluations` and `events` are
        columns of objects, annotations become `annotation.<name>.score` and so on, and columns
        that are null in every row are left out.

        Args:
            json_normalize: Make a column of each key of nested objects, such as
                `attributes.llm.model_name`.
        """
        import pandas as pd  # noqa: PLC0415 - slow to import, and only this needs it

        rows = [_flattened(span) for span in self.spans]
        frame = pd.json_normalize(rows) if json_normalize else pd.DataFrame(rows)
        return frame.dropna(axis="columns", how="all").convert_dtypes()


# `Any`: the fields of any of these types.
def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _flattened(span: Span) -> dict[str, Any]:
    row = span.to_dict()
    for annotation in row.pop("annotations"):
        name = annotation.pop("name")
        for key, value in annotation.items():
            row[f"annotation.{name}.{key}"] = value
    return row


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, default=datetime.isoformat)
