"""Spans as lists show them: stored values become the JSON of the protocol."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import PydanticSerializationError, from_json
from pydantic_core import to_json as written

from spanduck._wire import SPAN_KINDS, STATUS_CODES, time_text
from spanduck.server.catalogue import Place
from spanduck.server.kinds import Kind
from spanduck.server.values import HOLDS_JSON
from spanduck_sql.schema import (
    ATTRIBUTE_PREFIX,
    SPAN_KIND,
    parse_annotation_column,
    parse_evaluation_column,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from spanduck._wire import ClientIdentity, ListRequest
    from spanduck.server.catalogue import ProjectCatalogue, StoredColumn
    from spanduck.server.list_remarks import Remarks

CORE: Final = (
    "span_id",
    "trace_id",
    "parent_id",
    "name",
    "start_time",
    "end_time",
    "status_code",
    "status_message",
    "span_kind",
    "events",
)
"""The physical columns that are always read, in the order in which rows bring them."""

_LEVEL: Final = "span"
# A document nested deeper than this is shown as the text that it came as.
_DEEPEST: Final = 200
_LAST_STRICT_SDK: Final = "8.42.0"
_LAST_WITHOUT_TRACE_ANNOTATIONS: Final = "8.40.0"
_ELLIPSIS: Final = "…"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST_NS, _LAST_NS = -62_135_596_800 * 10**9, 253_402_300_800 * 10**9 - 1


@dataclass(frozen=True)
class Selection:
    """What a list shows of a project beside the fields that every span has.

    Attributes:
        attributes: The stored columns of its attributes, without those that were only ever null.
        evaluations: The fields that are wanted of each evaluation, by its name.
        annotations: The same of annotations.
        has_kind: Whether the span kind is shown among the attributes, as the text that was sent.
    """

    attributes: tuple[StoredColumn, ...]
    evaluations: Mapping[str, frozenset[str]]
    annotations: Mapping[str, frozenset[str]]
    has_kind: bool


def select_columns(catalogue: ProjectCatalogue, request: ListRequest) -> Selection:
    """Choose the columns of a project that a request wants."""
    included = None if request.included_columns is None else set(request.included_columns)
    excluded = set(request.excluded_columns or ())

    def is_wanted(name: str) -> bool:
        return name not in excluded if included is None else name in included

    attributes: list[StoredColumn] = []
    evaluations: dict[str, set[str]] = {}
    annotations: dict[str, set[str]] = {}
    for column in catalogue.columns:
        if not is_wanted(column.logical):
            continue
        if column.place is Place.ATTRIBUTE and column.kind is not None:
            attributes.append(column)
        elif column.place is Place.EVALUATION:
            evaluation = parse_evaluation_column(column.logical)
            if evaluation is not None and evaluation.level == _LEVEL:
                evaluations.setdefault(evaluation.name, set()).add(evaluation.field)
        elif column.place is Place.ANNOTATION:
            annotation = parse_annotation_column(column.logical)
            if annotation is not None:
                annotations.setdefault(annotation.name, set()).add(annotation.field)
    return Selection(
        tuple(attributes),
        {name: frozenset(fields) for name, fields in evaluations.items()},
        {name: frozenset(fields) for name, fields in annotations.items()},
        is_wanted(SPAN_KIND),
    )


@dataclass(frozen=True)
class Audience:
    """What a caller can read.

    Attributes:
        is_strict: Some members must have a value, also where the span has none.
        knows_trace_annotations: A member it may not know does not fail the whole answer.
    """

    is_strict: bool = False
    knows_trace_annotations: bool = True

    @classmethod
    def of(cls, caller: ClientIdentity) -> Audience:
        """Return what a caller can read, by the version of the vendor's SDK, if it is that."""
        return cls(
            is_strict=caller.is_vendor_sdk_up_to(_LAST_STRICT_SDK),
            knows_trace_annotations=not caller.is_vendor_sdk_up_to(_LAST_WITHOUT_TRACE_ANNOTATIONS),
        )


# `Any` from here on: values of any stored kind, and JSON.
class SpanWriter:
    """Makes the JSON object of each span.

    Args:
        selection: What is shown.
        longest: Most characters of a text within attributes; None for any.
        audience: Who reads it.
    """

    def __init__(self, selection: Selection, *, longest: int | None, audience: Audience) -> None:
        self._selection = selection
        self._longest = longest
        self._is_strict = audience.is_strict
        self._audience = audience
        self._columns = [
            (column.logical.removeprefix(ATTRIBUTE_PREFIX), _reader(column))
            for column in selection.attributes
        ]

    def span(self, row: Sequence[Any], remarks: Remarks) -> dict[str, Any]:
        """Return a span.

        Args:
            row: The values of `CORE` and of the selection's attributes, in their order.
            remarks: What was said of it.
        """
        span_id, trace_id, parent_id, name, start, end, status, message, kind, events = row[
            : len(CORE)
        ]
        start_text = _time(start)
        end_text = _time(end)
        if self._is_strict:
            name, trace_id = name or "", trace_id or ""
            end_text = end_text or start_text
        shown = {
            "name": name,
            "context": {"trace_id": trace_id, "span_id": span_id},
            "kind": _word(kind, SPAN_KINDS, "UNKNOWN") or "UNKNOWN",
            "parent_id": parent_id,
            "start_time": start_text,
            "end_time": end_text,
            "status_code": _word(status, STATUS_CODES, "UNSET"),
            "status_message": message,
            "attributes": self._attributes(kind, row[len(CORE) :]),
            "annotations": remarks.annotations,
            "evaluations": remarks.evaluations,
            "events": [self._event(text, start_text) for text in events or ()],
        }
        if not remarks.trace_annotations:
            return shown
        if self._audience.knows_trace_annotations:
            return shown | {"trace_annotations": remarks.trace_annotations}
        return shown | {"annotations": remarks.annotations + remarks.trace_annotations}

    def _attributes(self, kind: str | None, values: Sequence[Any]) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        if kind is not None and self._selection.has_kind:
            shown[SPAN_KIND.removeprefix(ATTRIBUTE_PREFIX)] = kind
        for (name, read), value in zip(self._columns, values, strict=True):
            if value is not None:
                shown[name] = read(value)
        return _shortened(shown, self._longest) if self._longest is not None else shown

    def _event(self, text: str | None, start: str | None) -> dict[str, Any]:
        event = _decoded(text)
        if not isinstance(event, dict):
            event = {"attributes": event}
        attributes = _decoded(event.get("attributes"))
        if not isinstance(attributes, dict):
            attributes = {} if attributes in (None, "") else {"value": attributes}
        name = event.get("name")
        moment = _event_time(event.get("timestamp"))
        return {
            "name": name if isinstance(name, str) or name is None else json.dumps(name),
            "timestamp": start if moment is None and self._is_strict else moment,
            "attributes": attributes,
        }


def to_json(answer: dict[str, Any]) -> bytes:
    """Return the bytes of an answer. A number that JSON has no notation for is null."""
    try:
        return written(answer, inf_nan_mode="null")
    except (PydanticSerializationError, ValueError):
        # A stored document may hold half of a surrogate pair, which no UTF-8 has, or be very deep.
        # Escaped, and many times slower.
        answer = json.loads(json.dumps(answer), parse_constant=_nothing)
        return json.dumps(answer, allow_nan=False, separators=(",", ":")).encode("ascii")


def _reader(column: StoredColumn) -> Callable[[Any], Any]:
    is_document = column.logical in HOLDS_JSON
    if column.kind is Kind.FLOAT64:
        return _finite
    if column.kind is Kind.JSON or (is_document and column.kind is Kind.STRING):
        return _decoded
    if is_document and column.kind is Kind.STRING_LIST:
        return lambda texts: [_decoded(text) for text in texts]
    return lambda value: value


def _decoded(text: Any) -> Any:
    """Return the value of a JSON text, and anything else as it is."""
    if not isinstance(text, str) or not text:
        return text
    try:
        return from_json(text, cache_strings="keys")
    except ValueError:
        return _decoded_otherwise(text)


def _decoded_otherwise(text: str) -> Any:
    """Return the value of a JSON text that the fast reader refuses; what is none stays as it is."""
    try:
        value = json.loads(text, parse_constant=_nothing, parse_float=_float)
    except (ValueError, RecursionError):
        return text
    may_be_deep = text.count("[") + text.count("{") > _DEEPEST
    return text if may_be_deep and _is_deep(value) else value


def _is_deep(value: Any) -> bool:
    """Tell whether a document is nested too deeply to be written again."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def _nothing(_: str) -> None:
    """JSON has no notation for what is no number."""


def _float(text: str) -> float | None:
    return _finite(float(text))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _shortened(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= longest else value[: longest - 1] + _ELLIPSIS
    if isinstance(value, list):
        return [_shortened(item, longest) for item in value]
    if isinstance(value, dict):
        return {key: _shortened(item, longest) for key, item in value.items()}
    return value


def _word(value: str | None, known: frozenset[str], otherwise: str) -> str | None:
    if value is None:
        return None
    word = value.strip().upper()
    return word if word in known else otherwise


def _time(nanoseconds: int | None) -> str | None:
    if nanoseconds is None or not _FIRST_NS <= nanoseconds <= _LAST_NS:
        return None
    return time_text(nanoseconds)


def _event_time(value: Any) -> str | None:
    """Return the time of an event, which came as ISO 8601 or as nanoseconds since 1970."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            zoned = moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment
            return time_text((zoned - _EPOCH) // _ONE_MICROSECOND * 1_000)
        except (ValueError, OverflowError):
            return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _time(int(value))
    return None
