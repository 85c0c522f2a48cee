"""Annotations by id: the body of `POST /v2/spans/annotate`, which is answered without one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from spanduck._wire import codec
from spanduck._wire.errors import WireError
from spanduck._wire.window import read_window, window_body
from spanduck.types import AnnotateRecordInput, AnnotationInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

ANNOTATE_LIMIT: Final = 1_000
SESSIONS_LIMIT: Final = 100
"""Most records of one call, and most where they are sessions."""

_TEXTS: Final = ("label", "text")


class Granularity(StrEnum):
    """What a record id names."""

    SPAN = "SPAN"
    TRACE = "TRACE"
    """A trace, by the id of its root span."""
    SESSION = "SESSION"


@dataclass(frozen=True)
class AnnotateRequest:
    """The body of a call.

    Attributes:
        project_id: Id of the project.
        annotations: The records.
        start_time: Where records are looked for; None for 31 days before the end, or 7 where they
            are sessions. One without a zone is in UTC.
        end_time: The same; None for now.
        granularity: What record ids name; None means spans.
    """

    project_id: str
    annotations: tuple[AnnotateRecordInput, ...]
    start_time: datetime | None = None
    end_time: datetime | None = None
    granularity: Granularity | None = None

    def to_json(self) -> bytes:
        """Encode as the vendor's SDK does; what is None is left out."""
        # `Any`: texts, numbers and lists of objects.
        body: dict[str, Any] = {
            "project_id": self.project_id,
            **window_body(self.start_time, self.end_time),
        }
        if self.granularity is not None:
            body["granularity"] = self.granularity.value
        body["annotations"] = [
            {"record_id": record.record_id, "values": [_value(value) for value in record.values]}
            for record in self.annotations
        ]
        return json.dumps(body).encode()

    @classmethod
    def from_json(cls, data: bytes) -> AnnotateRequest:
        """Decode a body; unknown members are ignored. How many records may be is not checked.

        Raises:
            WireError: No JSON object, or `what` is missing or of a wrong type.
        """
        body = codec.parse_json_object(data, what="body")
        project_id = _text(body, "project_id")
        records = body.get("annotations")
        if not isinstance(records, list):
            raise WireError("annotations is no list of objects", what="annotations")
        granularity = body.get("granularity")
        if granularity is not None and granularity not in list(Granularity):
            raise WireError(
                f"granularity is {granularity!r}, not one of {', '.join(Granularity)}",
                what="granularity",
            )
        return cls(
            project_id=project_id,
            annotations=tuple(map(_record, records)),
            **read_window(body),
            granularity=None if granularity is None else Granularity(granularity),
        )


def _value(value: AnnotationInput) -> dict[str, Any]:
    fields = {"name": value.name, "score": value.score, "label": value.label, "text": value.text}
    return {name: given for name, given in fields.items() if given is not None}


# `Any` from here on: JSON values as they came.
def _record(item: Any) -> AnnotateRecordInput:
    if not isinstance(item, dict):
        raise WireError("annotations is no list of objects", what="annotations")
    values = item.get("values")
    record_id = _text(item, "record_id")
    if not isinstance(values, list) or not values or not all(isinstance(v, dict) for v in values):
        raise WireError(f"the record {record_id!r} has no list of values", what="values")
    return AnnotateRecordInput(record_id, tuple(map(_annotation, values)))


def _annotation(item: Mapping[str, Any]) -> AnnotationInput:
    score = item.get("score")
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float)):
        raise WireError(f"score is {score!r}, not a number", what="score")
    label, text = (_text(item, key) if item.get(key) is not None else None for key in _TEXTS)
    return AnnotationInput(_text(item, "name"), score=score, label=label, text=text)


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    if not isinstance(value, str) or not value.strip():
        raise WireError(f"{key} is {value!r}, not a text", what=key)
    try:
        value.encode()
    except UnicodeEncodeError as exc:
        raise WireError(f"{key} is no valid Unicode", what=key) from exc
    return value
