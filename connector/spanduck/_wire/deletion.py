"""Deletes: `DELETE /v2/spans` and its answer, whose shape changed between versions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from spanduck._wire import codec
from spanduck._wire.errors import WireError
from spanduck._wire.window import read_window, window_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

DELETE_LIMIT: Final = 5_000
"""Most span ids of one call."""

_COMPLETED: Final = "completed"
_DELETED: Final = "deleted_span_ids"
_NOT_DELETED: Final = "not_deleted_span_ids"


@dataclass(frozen=True)
class DeleteRequest:
    """The body of a delete.

    Attributes:
        project_id: Id of the project.
        span_ids: Ids of the spans, at most `DELETE_LIMIT`.
        start_time: Only spans that start then or later; None for two years ago. One without a zone
            is in UTC.
        end_time: Only spans that start before; None for now.
    """

    project_id: str
    span_ids: tuple[str, ...]
    start_time: datetime | None = None
    end_time: datetime | None = None

    def to_json(self) -> bytes:
        """Encode as the vendor's SDK does; a bound that is None is left out."""
        # `Any`: texts and a list of them.
        body: dict[str, Any] = {
            "project_id": self.project_id,
            "span_ids": list(self.span_ids),
            **window_body(self.start_time, self.end_time),
        }
        return json.dumps(body).encode()

    @classmethod
    def from_json(cls, data: bytes) -> DeleteRequest:
        """Decode a body; unknown members are ignored. How many ids may be is not checked.

        Raises:
            WireError: No JSON object, or `what` is missing or of a wrong type.
        """
        body = codec.parse_json_object(data, what="body")
        project_id, span_ids = body.get("project_id"), body.get("span_ids")
        if not isinstance(project_id, str) or not project_id:
            raise WireError(f"project_id is {project_id!r}, not a text", what="project_id")
        if not isinstance(span_ids, list) or not all(isinstance(id_, str) for id_ in span_ids):
            raise WireError("span_ids is no list of texts", what="span_ids")
        try:
            "".join(span_ids).encode()
        except UnicodeEncodeError as exc:
            message = "span_ids holds a text that is no valid Unicode"
            raise WireError(message, what="span_ids") from exc
        return cls(project_id, tuple(span_ids), **read_window(body))


@dataclass(frozen=True)
class DeleteResult:
    """The answer to a delete.

    Attributes:
        completed: Every id was dealt with; if not, the whole call is to be repeated.
        deleted_span_ids: Ids of spans that are gone now.
        not_deleted_span_ids: Ids that no span in the window has; unless completed, also those that
            were not looked for.
    """

    completed: bool
    deleted_span_ids: tuple[str, ...] = ()
    not_deleted_span_ids: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            _COMPLETED: self.completed,
            _DELETED: list(self.deleted_span_ids),
            _NOT_DELETED: list(self.not_deleted_span_ids),
        }

    @classmethod
    def done(cls, span_ids: Sequence[str]) -> DeleteResult:
        """Return what an answer without a body says: older services tell that all are gone."""
        return cls(completed=True, deleted_span_ids=tuple(span_ids))

    @classmethod
    def from_dict(cls, answer: Mapping[str, Any], span_ids: Sequence[str]) -> DeleteResult:
        """Read the JSON object, of any version, or the same members of a problem document.

        Args:
            answer: What came. Older services send `deleted_span_ids` alone, of a delete that is
                not complete.
            span_ids: The ids that were asked for: those that are not named as deleted were not.

        Raises:
            WireError: A member has a wrong type.
        """
        completed = answer.get(_COMPLETED, False)
        if not isinstance(completed, bool):
            raise WireError(f"{_COMPLETED} is {completed!r}, not a boolean", what=_COMPLETED)
        deleted = _texts(answer, _DELETED)
        known = set(deleted)
        return cls(completed, deleted, tuple(id_ for id_ in span_ids if id_ not in known))


def names_deleted_spans(answer: Mapping[str, Any]) -> bool:
    """Tell whether a problem document says which spans were deleted before it."""
    return isinstance(answer.get(_DELETED), list)


def _texts(answer: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = answer.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise WireError(f"{key} is no list of texts", what=key)
    return tuple(value)
