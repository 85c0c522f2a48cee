"""Annotating and deleting single records, by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanduck._client.arguments import Place
from spanduck._client.connection import Connection
from spanduck._rest_calls.annotation import annotate_spans
from spanduck._rest_calls.deletion import delete_spans

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from spanduck.types import DeleteResponse


class Records(Connection):
    """The client's calls on records by id."""

    def annotate(
        self,
        *,
        project: str | None = None,
        space: str | None = None,
        annotations: Iterable[Any],
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        granularity: str | None = None,
        project_name: str | None = None,
        space_id: str | None = None,
    ) -> None:
        """Annotate up to 1,000 spans or traces, or 100 sessions, by id; all of them or none.

        An annotation is known by its name: what a record has under that name is overwritten,
        field by field.

        Args:
            project: Name or id of the project.
            space: Name or id of the space, in which a project is looked up by its name.
            annotations: `types.AnnotateRecordInput`, or dictionaries such as
                `{"record_id": "…", "values": [{"name": "accuracy", "label": "correct"}]}` with
                `label`, `score`, `text`.
            start_time: Where records are looked for; 31 days before the end by default, and at
                most; 7 for sessions. A time without a zone is in UTC.
            end_time: The same; now by default, and at the latest. Likewise.
            granularity: What a `record_id` names: `SPAN` (default), `TRACE` (by its root span) or
                `SESSION` (the root span of its earliest trace is annotated).
            project_name: Same as `project`.
            space_id: Id of the space.

        Raises:
            ValidationError: A record is none. Nothing was sent.
            UnknownProjectError: No such project or space, or a record that is not in the window.
            RejectedError: The service refuses a record; nothing was written.
        """
        place = Place.of(project_name, project, space_id, space)
        project_id = self._project_id(place)
        with self._forgetting_columns(place):
            annotate_spans(
                self._rest,
                project_id=project_id,
                annotations=annotations,
                start_time=start_time,
                end_time=end_time,
                granularity=granularity,
            )

    annotate_spans = annotate
    """What the vendor's clients called it before release 8.31."""

    def delete(
        self,
        *,
        project: str | None = None,
        span_ids: Iterable[str],
        space: str | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        project_name: str | None = None,
        space_id: str | None = None,
    ) -> DeleteResponse:
        """Delete spans for good, and what was said of them.

        Sent in calls of at most 5,000 ids, each repeated while the service is unavailable: an id
        that is gone already does no harm, it is in `not_deleted_span_ids` then.

        Args:
            project: Name or id of the project.
            span_ids: Ids of the spans.
            space: Name or id of the space, in which a project is looked up by its name.
            start_time: Only spans that start then or later; two years ago by default. A time
                without a zone is in UTC.
            end_time: Only spans that start before; now by default. Likewise.
            project_name: Same as `project`.
            space_id: Id of the space.

        Returns:
            Which spans are deleted, and which are not.

        Raises:
            ValidationError: There is no id, or one that is no text.
            UnknownProjectError: No such project or space; near matches are named.
            IncompleteDeleteError: A call failed after spans were deleted; says which.
            ServiceError: A call failed; nothing was deleted.
        """
        return delete_spans(
            self._rest,
            project_id=self._project_id(Place.of(project_name, project, space_id, space)),
            span_ids=span_ids,
            start_time=start_time,
            end_time=end_time,
        )
