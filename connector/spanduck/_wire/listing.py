"""Lists: the bodies of `POST /v2/spans` and `POST /v2/traces`, and what they are answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from spanduck._wire import codec, members
from spanduck._wire.errors import WireError
from spanduck._wire.rest import Pagination
from spanduck._wire.window import read_window, window_body
from spanduck.types import (
    PageInfo,
    Span,
    SpanAnnotation,
    SpanContext,
    SpanEvaluation,
    SpanEvent,
    SpansPage,
    Trace,
    TracesPage,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

LIST_LIMIT: Final = 500
"""Most spans of one page."""

DEFAULT_LIST_LIMIT: Final = 50

TRACES_LIMIT: Final = 50
"""Most traces of one page."""

DEFAULT_TRACES_LIMIT: Final = 25

LIST_COLUMNS_LIMIT: Final = 1_000
"""Most columns that a list may include or exclude."""

SPAN_KINDS: Final = frozenset(
    {
        "LLM",
        "CHAIN",
        "RETRIEVER",
        "EMBEDDING",
        "AGENT",
        "TOOL",
        "RERANKER",
        "GUARDRAIL",
        "EVALUATOR",
        "PROMPT",
        "DECISION",
        "UNKNOWN",
    }
)
"""The kinds an answer may name; one other word fails the whole answer in the vendor's SDK."""

STATUS_CODES: Final = frozenset({"OK", "ERROR", "UNSET"})

_COLUMN_LISTS: Final = ("included_columns", "excluded_columns")


@dataclass(frozen=True)
class ListRequest:
    """The body of a list.

    Attributes:
        project_id: Id of the project.
        start_time: Only spans that start then or later; None for seven days ago. One without a zone
            is in UTC.
        end_time: Only spans that start then or earlier; None for now.
        filter: In the service's filter language; None for none.
        included_columns: Only these columns, by full dotted names; None for all.
        excluded_columns: All columns but these; None for none.
        truncate_string_length: Most characters of a text within attributes; None for any.
    """

    project_id: str
    start_time: datetime | None = None
    end_time: datetime | None = None
    filter: str | None = None
    included_columns: tuple[str, ...] | None = None
    excluded_columns: tuple[str, ...] | None = None
    truncate_string_length: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object as the vendor's SDK sends it; what is None is left out."""
        body: dict[str, Any] = {
            "project_id": self.project_id,
            **window_body(self.start_time, self.end_time),
        }
        if self.filter is not None:
            body["filter"] = self.filter
        for name in _COLUMN_LISTS:
            columns = getattr(self, name)
            if columns is not None:
                body[name] = list(columns)
        if self.truncate_string_length is not None:
            body["truncate_string_length"] = self.truncate_string_length
        return body

    @classmethod
    def from_json(cls, data: bytes) -> ListRequest:
        """Decode a body; unknown members are ignored. Of values only the types are checked.

        Raises:
            WireError: No JSON object, or `what` is missing or of a wrong type.
        """
        body = codec.parse_json_object(data, what="body")
        project_id = _sent_text(body, "project_id")
        if not project_id:
            raise WireError("the body has no project_id", what="project_id")
        length = body.get("truncate_string_length")
        if length is not None and (isinstance(length, bool) or not isinstance(length, int)):
            raise WireError(
                f"truncate_string_length is {length!r}, not a whole number",
                what="truncate_string_length",
            )
        included, excluded = (_sent_columns(body, name) for name in _COLUMN_LISTS)
        return cls(
            project_id=project_id,
            **read_window(body),
            filter=_sent_text(body, "filter"),
            included_columns=included,
            excluded_columns=excluded,
            truncate_string_length=length,
        )


# `Any` from here on: JSON values as they came or as they go.
def read_spans_page(page: Mapping[str, Any]) -> SpansPage:
    """Read an answer; unknown members are ignored.

    Raises:
        WireError: `spans` or `pagination` is absent, or a value has a wrong type.
    """
    spans = members.list_of(page, "spans")
    return SpansPage(tuple(map(_read_span, spans)), read_page_info(page, what="page of spans"))


def read_traces_page(page: Mapping[str, Any]) -> TracesPage:
    """Read an answer; unknown members are ignored.

    Raises:
        WireError: `traces` or `pagination` is absent, or a value has a wrong type.
    """
    traces = members.list_of(page, "traces")
    return TracesPage(tuple(map(_read_trace, traces)), read_page_info(page, what="page of traces"))


def read_page_info(page: Mapping[str, Any], *, what: str) -> PageInfo:
    """Read the `pagination` of a page.

    Raises:
        WireError: The page has none.
    """
    pagination = Pagination.from_page(page, what=what)
    return PageInfo(pagination.has_more, pagination.next_cursor)


def time_text(nanoseconds: int) -> str:
    """Return nanoseconds since 1970 as the answers write them: microseconds, rounded down."""
    seconds, rest = divmod(nanoseconds // 1_000, 1_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest, tzinfo=None)
    return moment.isoformat() + "Z"


def _sent_text(body: Mapping[str, Any], key: str) -> str | None:
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise WireError(f"{key} is {value!r}, not a text", what=key)
    try:
        value.encode()
    except UnicodeEncodeError as exc:
        raise WireError(f"{key} is no valid Unicode", what=key) from exc
    return value


def _sent_columns(body: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise WireError(f"{key} is no list of texts", what=key)
    return tuple(value)


def _read_trace(item: Any) -> Trace:
    trace = members.as_object(item, "trace")
    return Trace(
        trace_id=members.text_of(trace, "trace_id", of="trace"),
        root_span_id=members.text_of(trace, "root_span_id", of="trace"),
        start_time=members.time_of(trace, "start_time", of="trace"),
        end_time=members.time_of(trace, "end_time", of="trace"),
        spans_truncated=trace.get("spans_truncated") is True,
        spans=tuple(map(_read_span, members.items_of(trace, "spans", of="trace"))),
    )


def _read_span(item: Any) -> Span:
    span = members.as_object(item, "span")
    context = members.object_of(span, "context")
    return Span(
        name=members.text_of(span, "name"),
        context=SpanContext(
            members.text_of(context, "trace_id"), members.text_of(context, "span_id")
        ),
        kind=members.text_of(span, "kind"),
        parent_id=members.text_of(span, "parent_id"),
        start_time=members.time_of(span, "start_time"),
        end_time=members.time_of(span, "end_time"),
        status_code=members.text_of(span, "status_code"),
        status_message=members.text_of(span, "status_message"),
        attributes=members.object_of(span, "attributes"),
        annotations=tuple(map(_read_annotation, members.items_of(span, "annotations"))),
        trace_annotations=tuple(map(_read_annotation, members.items_of(span, "trace_annotations"))),
        evaluations=tuple(map(_read_evaluation, members.items_of(span, "evaluations"))),
        events=tuple(map(_read_event, members.items_of(span, "events"))),
    )


def _read_evaluation(item: dict[str, Any]) -> SpanEvaluation:
    return SpanEvaluation(
        name=members.text_of(item, "name") or "",
        label=members.text_of(item, "label"),
        score=members.number_of(item, "score"),
        explanation=members.text_of(item, "explanation"),
        metadata=members.object_of(item, "metadata"),
    )


def _read_annotation(item: dict[str, Any]) -> SpanAnnotation:
    annotator = members.object_of(item, "annotator")
    return SpanAnnotation(
        name=members.text_of(item, "name") or "",
        label=members.text_of(item, "label"),
        score=members.number_of(item, "score"),
        text=members.text_of(item, "text"),
        updated_at=members.time_of(item, "updated_at"),
        annotator_id=members.text_of(annotator, "id"),
        annotator_email=members.text_of(annotator, "email"),
    )


def _read_event(item: dict[str, Any]) -> SpanEvent:
    return SpanEvent(
        name=members.text_of(item, "name"),
        timestamp=members.time_of(item, "timestamp"),
        attributes=members.object_of(item, "attributes"),
    )
