"""Deleting spans by id: as many calls as the ids need, and what they came to together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanduck._rest_calls.times import aware
from spanduck._wire import (
    DELETE_LIMIT,
    DeleteRequest,
    DeleteResult,
    WireError,
    names_deleted_spans,
)
from spanduck.exceptions import (
    IncompleteDeleteError,
    OutcomeUnknownError,
    ServiceError,
    ValidationError,
)
from spanduck.types import DeleteResponse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from spanduck._transport.rest import RestTransport

_PATH = "/v2/spans"
_WHAT = "the delete"


def delete_spans(
    rest: RestTransport,
    *,
    project_id: str,
    span_ids: Iterable[str],
    start_time: datetime | None,
    end_time: datetime | None,
) -> DeleteResponse:
    """Delete spans, in calls of at most `DELETE_LIMIT` ids; each is repeated as a read is.

    Ends after a call that the service did not complete.

    Args:
        rest: Sends the calls.
        project_id: Id of the project.
        span_ids: Ids; one that repeats is sent once.
        start_time: Inclusive; a time without a zone is in UTC.
        end_time: Exclusive, likewise.

    Raises:
        ValidationError: There is no id, or one that is no text.
        IncompleteDeleteError: A call failed after spans were deleted; says which.
        ServiceError: The first call failed, and nothing was deleted.
    """
    ids = _checked(span_ids)
    tally = _Tally(ids)
    for start in range(0, len(ids), DELETE_LIMIT):
        part = ids[start : start + DELETE_LIMIT]
        request = DeleteRequest(project_id, part, aware(start_time), aware(end_time))
        try:
            rest.retrying()(tally.call, rest, request)
        except ServiceError as exc:
            if not tally.is_partial(exc):
                raise
            raise IncompleteDeleteError(
                f"{exc.message} ({len(tally.deleted):,} of {len(ids):,} spans are deleted)",
                next_step="Delete the same ids again: those that are gone do no harm.",
                cause=exc,
                deleted_span_ids=tally.deleted_ids,
                not_deleted_span_ids=tally.other_ids,
            ) from exc
        if not tally.completed:
            break
    return DeleteResponse(tally.completed, tally.deleted_ids, tally.other_ids, tally.calls)


class _Tally:
    """What calls have deleted so far, also those that failed: a repetition no longer finds it."""

    def __init__(self, span_ids: Sequence[str]) -> None:
        self._span_ids = span_ids
        self.deleted: set[str] = set()
        self.completed = True
        self.calls = 0

    @property
    def deleted_ids(self) -> tuple[str, ...]:
        return tuple(id_ for id_ in self._span_ids if id_ in self.deleted)

    @property
    def other_ids(self) -> tuple[str, ...]:
        return tuple(id_ for id_ in self._span_ids if id_ not in self.deleted)

    def is_partial(self, error: ServiceError) -> bool:
        return bool(self.deleted) or _names_deleted(error)

    def call(self, rest: RestTransport, request: DeleteRequest) -> None:
        self.calls += 1
        try:
            status, answer = rest.send_json("DELETE", _PATH, request.to_json(), what=_WHAT)
        except ServiceError as exc:
            if exc.problem is not None and _names_deleted(exc):
                self._add(DeleteResult.from_dict(exc.problem.extras, request.span_ids))
            raise
        if status == 204:
            self._add(DeleteResult.done(request.span_ids))
            return
        try:
            result = DeleteResult.from_dict(answer, request.span_ids)
        except WireError as exc:
            raise OutcomeUnknownError(
                f"the service's answer to {_WHAT} cannot be read: {exc.message}",
                next_step="Look whether the spans are there.",
                status=status,
            ) from exc
        self._add(result)
        self.completed = result.completed

    def _add(self, result: DeleteResult) -> None:
        self.deleted.update(result.deleted_span_ids)


def _names_deleted(error: ServiceError) -> bool:
    return error.problem is not None and names_deleted_spans(error.problem.extras)


def _checked(span_ids: Iterable[str]) -> tuple[str, ...]:
    if isinstance(span_ids, str):
        raise ValidationError(
            f"span_ids is the text {span_ids!r}", next_step="Pass a list of span ids."
        )
    ids = tuple(span_ids)
    if not ids:
        raise ValidationError("span_ids is empty", next_step="Pass the ids of spans to delete.")
    for index, id_ in enumerate(ids):
        if not isinstance(id_, str) or not id_.strip():
            raise ValidationError(
                f"span_ids[{index}] is {id_!r}, not the id of a span", row_index=index
            )
    return tuple(dict.fromkeys(ids))
