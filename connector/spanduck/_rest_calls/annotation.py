"""Annotating spans, traces and sessions by id, in one call."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from spanduck._rest_calls.times import aware
from spanduck._wire import ANNOTATE_LIMIT, SESSIONS_LIMIT, AnnotateRequest, Granularity
from spanduck.exceptions import (
    NotFoundError,
    UnknownProjectError,
    ValidationError,
    did_you_mean,
)
from spanduck.types import AnnotateRecordInput, AnnotationInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from spanduck._transport.rest import RestTransport

_PATH: Final = "/v2/spans/annotate"
# A success has no body.
_ACCEPT: Final = "application/problem+json"
_RECORD_KEYS: Final = ("record_id", "values")
_VALUE_KEYS: Final = ("name", "score", "label", "text")


def annotate_spans(
    rest: RestTransport,
    *,
    project_id: str,
    annotations: Iterable[Any],
    start_time: datetime | None,
    end_time: datetime | None,
    granularity: str | None,
) -> None:
    """Write annotations by id; repeated while the service cannot answer, which does no harm.

    Args:
        rest: Sends the call.
        project_id: Id of the project.
        annotations: Records: objects with `record_id` and `values`, or dictionaries.
        start_time: Inclusive; a time without a zone is in UTC.
        end_time: Exclusive, likewise.
        granularity: `SPAN`, `TRACE` or `SESSION`; a span by default.

    Raises:
        ValidationError: A record is none; nothing was sent.
        NotFoundError: A record's span, trace or session is not there; nothing was written.
        ServiceError: The call failed.
    """
    chosen = _granularity(granularity)
    records = tuple(_record(item, f"annotations[{at}]") for at, item in enumerate(annotations))
    limit = SESSIONS_LIMIT if chosen is Granularity.SESSION else ANNOTATE_LIMIT
    if not 1 <= len(records) <= limit:
        raise ValidationError(
            f"annotations has {len(records):,} records",
            next_step=f"Pass 1 to {limit:,} in one call.",
        )
    request = AnnotateRequest(project_id, records, aware(start_time), aware(end_time), chosen)
    body = request.to_json()
    try:
        rest.retrying()(
            rest.send_json, "POST", _PATH, body, what="annotating spans", accept=_ACCEPT
        )
    except UnknownProjectError as exc:
        # Of a project that is there it is the records that are not.
        raise NotFoundError(
            exc.message,
            next_step="Check the ids of the records, then the project.",
            status=exc.status,
            request_id=exc.request_id,
            problem=exc.problem,
        ) from exc


# `Any` here and below: an enum of the caller's, a dictionary, or an object with these attributes,
# such as the vendor's.
def _granularity(given: Any) -> Granularity | None:
    if given is None:
        return None
    try:
        return Granularity(str(getattr(given, "value", given)))
    except ValueError:
        raise ValidationError(
            f"granularity is {given!r}", next_step=f"Pass one of {', '.join(Granularity)}."
        ) from None


def _record(item: Any, what: str) -> AnnotateRecordInput:
    given = _members(item, _RECORD_KEYS, what)
    record_id, values = given.get("record_id"), given.get("values")
    named = _text(record_id, f"{what}.record_id")
    if isinstance(values, str | Mapping) or not values:
        raise ValidationError(
            f"{what}.values is {values!r}", next_step="Pass a list of one annotation or more."
        )
    return AnnotateRecordInput(
        named, tuple(_value(value, f"{what}.values[{at}]") for at, value in enumerate(values))
    )


def _value(item: Any, what: str) -> AnnotationInput:
    given = _members(item, _VALUE_KEYS, what)
    name = _text(given.get("name"), f"{what}.name")
    for key in ("label", "text"):
        if given.get(key) is not None:
            _text(given[key], f"{what}.{key}")
    score = given.get("score")
    is_number = isinstance(score, int | float) and not isinstance(score, bool)
    if score is not None and not (is_number and math.isfinite(score)):
        raise ValidationError(f"{what}.score is {score!r}, not a finite number")
    return AnnotationInput(name, score=score, label=given.get("label"), text=given.get("text"))


def _members(item: Any, keys: Sequence[str], what: str) -> dict[str, Any]:
    if isinstance(item, Mapping):
        unknown = [key for key in item if key not in keys]
        if unknown:
            raise ValidationError(
                f"{what} has a key {unknown[0]!r}",
                next_step=did_you_mean(str(unknown[0]), keys) or f"Known are {', '.join(keys)}.",
            )
        return dict(item)
    if not hasattr(item, keys[0]):
        raise ValidationError(
            f"{what} is {item!r:.60}", next_step=f"Pass a dictionary with {', '.join(keys)}."
        )
    return {key: getattr(item, key, None) for key in keys}


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValidationError(f"{what} is {value!r}, not a text")
    return value
