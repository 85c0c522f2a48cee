"""Uploading spans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanduck._client.arguments import Place
from spanduck._client.connection import Connection
from spanduck._upload.arrow_input import is_frame
from spanduck._upload.spans import UploadOptions, upload_spans
from spanduck._upload.times import DEFAULT_FORMAT

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanduck.types import UploadResponse


class Uploads(Connection):
    """The client's uploads."""

    def log(
        self,
        *,
        project_name: str | None = None,
        dataframe: Any,
        evals_dataframe: Any = None,
        space_id: str | None = None,
        datetime_format: str = DEFAULT_FORMAT,
        validate: bool = True,
        timeout: float | None = None,
        tmp_dir: str = "",
        skip_rows: int = 0,
        on_stored: Callable[[int], object] | None = None,
        project: str | None = None,
        space: str | None = None,
    ) -> UploadResponse:
        """Upload spans, and evaluations of them.

        Sent in calls of at most 100,000 spans or 500 MB; each call is stored as a whole or not at
        all. Nothing is sent before the last row was checked, unless `validate` is off. A call is
        repeated only where the service cannot have stored it. Uploading a span again replaces it,
        so an upload that broke off between calls goes on with `skip_rows`, and comes to the same.

        Args:
            project_name: Name of the project; the service makes it if there is none.
            dataframe: Spans: a DataFrame, an Arrow table or reader, a DuckDB relation, or
                anything with `__arrow_c_stream__`; all but a DataFrame stream. Columns
                `context.span_id`, `context.trace_id`, `name`, `start_time` and `end_time` are
                required. Times are texts (ISO 8601, else `datetime_format`), timestamps, or
                integers of nanoseconds since 1970; without a zone they are UTC. Columns that are
                neither known nor called `attributes.…` are not sent, with a warning.
            evals_dataframe: One row a span with `context.span_id` (or `span_id`) and columns
                `eval.<name>.label`, `.score`, `.explanation`; or one row an evaluation, as of
                `update_evaluations`. Held in memory. Rows of spans that are not in `dataframe` are
                not sent, with a warning.
            space_id: Id of the space.
            datetime_format: A `strptime` format.
            validate: Check types, lengths and required values first.
            timeout: Seconds to wait for the answer to each call; `write_timeout_s` by default.
            tmp_dir: Folder, or file, in which the bodies of the calls are written; a temporary
                folder by default. With `validate` they need as much room as the data.
            skip_rows: Rows from the start of `dataframe` that an upload of the same data, in the
                same order, has stored: they are neither checked nor sent. It is in the
                `rows_stored` of the error that broke it off.
            on_stored: Called after each call with the number of rows from the start that are
                stored: the `skip_rows` to go on with, whatever happens.
            project: Same as `project_name`.
            space: Name or id of the space.

        Returns:
            What was sent.

        Raises:
            ValidationError: With every problem found. Nothing was sent.
            AuthenticationError: The key is wrong, or may not write here.
            RejectedError: The service refuses the data.
            UnavailableError: Nobody answers; that call stored nothing.
            OutcomeUnknownError: The connection broke while a call was being stored.
            IncompleteUploadError: A call failed, for one of these reasons, after others were
                stored; says how to go on.
        """
        place = Place.of(project_name, project, space_id, space)
        options = UploadOptions(
            datetime_format=datetime_format,
            validate=validate,
            timeout_s=timeout,
            tmp_dir=tmp_dir,
            batch_rows=self.settings.service.max_chunksize,
            skip_rows=skip_rows,
            on_stored=on_stored,
        )
        with self._writing(place) as target, self._progress(_length(dataframe)) as advance:
            return upload_spans(
                self._rest,
                dataframe,
                evals_dataframe,
                project=target.project,
                space=target.space,
                options=options,
                progress=advance,
            )


def _length(data: Any) -> int | None:
    # Not of a relation, which would run its query to know.
    if is_frame(data):
        return len(data)
    return getattr(data, "num_rows", None)
