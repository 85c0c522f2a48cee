"""Writing to spans that the service has, many at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanduck._client.arguments import Place
from spanduck._client.connection import Connection
from spanduck._upload.arrow_input import as_reader
from spanduck._wire import WriteCommand, WriteKind
from spanduck._write.frame_values import Sending, send_frame
from spanduck._write.metadata import update_metadata

if TYPE_CHECKING:
    from spanduck.types import MetadataResponse, UpdateResponse


class Updates(Connection):
    """The client's writes by data frame."""

    def update_evaluations(
        self,
        *,
        project_name: str | None = None,
        dataframe: Any,
        space_id: str | None = None,
        validate: bool = True,
        force_http: bool = False,
        timeout: float | None = None,
        tmp_dir: str = "",
        project: str | None = None,
        space: str | None = None,
    ) -> UpdateResponse:
        """Write evaluations of spans that the service has.

        One call, which is all or nothing; of rows with a `name`, a call for each 32 names. The
        calls before one that fails stay, and to write them again does no harm.

        Args:
            project_name: Name or id of the project.
            dataframe: `context.span_id` (or `span_id`) and columns `eval.<name>.label`, `.score`,
                `.explanation`, one row a span. Or one row an evaluation: `name` with any of
                `label`, `score`, `explanation`, and `level` (`span`, `trace` or `session`) where
                it is not about the span; equal rows count once. Anything that `log` takes. A null
                says nothing.
            space_id: Id of the space.
            validate: Check types, lengths and required values first; columns and names are
                checked in any case.
            force_http: Send by HTTP instead of Flight; then ids that match no span are not told.
            timeout: Seconds to wait for the answer to each call; `write_timeout_s` by default.
            tmp_dir: Folder, or file, for the bodies of calls by HTTP.
            project: Same as `project_name`.
            space: Name or id of the space.

        Returns:
            How many spans were updated, and which ids the service does not hold.

        Raises:
            ValidationError: With every problem found. Nothing was sent.
            ServiceError: The call failed.
        """
        with self._writing(Place.of(project_name, project, space_id, space)) as target:
            sending = Sending(
                self._flight,
                self._rest,
                WriteCommand(WriteKind.EVALUATIONS, space=target.space, project=target.project),
                validate=validate,
                force_http=force_http,
                timeout_s=timeout,
                tmp_dir=tmp_dir,
            )
            return send_frame(sending, as_reader(dataframe))

    def update_annotations(
        self,
        *,
        project_name: str | None = None,
        dataframe: Any,
        space_id: str | None = None,
        validate: bool = True,
        timeout: float | None = None,
        project: str | None = None,
        space: str | None = None,
    ) -> UpdateResponse:
        """Write annotations and notes of spans that the service has.

        Calls, result and errors as of `update_evaluations`.

        Args:
            project_name: Name or id of the project.
            dataframe: `context.span_id` (or `span_id`) and columns `annotation.<name>.label`,
                `.score`, `.text`, `.updated_by`, `.updated_at` (milliseconds), and texts in
                `annotation.notes`, one row a span. Or one row an annotation: `name` with any of
                `label`, `score`, `text`, `updated_by`, `updated_at`. Anything that `log` takes.
                Without them `updated_by` is `SDK` and `updated_at` now.
            space_id: Id of the space.
            validate: Check types, lengths and required values first; columns and names are
                checked in any case.
            timeout: Seconds to wait for the answer; `write_timeout_s` by default.
            project: Same as `project_name`.
            space: Name or id of the space.
        """
        with self._writing(Place.of(project_name, project, space_id, space)) as target:
            command = WriteCommand(
                WriteKind.ANNOTATIONS, space=target.space, project=target.project
            )
            sending = Sending(
                self._flight, self._rest, command, validate=validate, timeout_s=timeout
            )
            return send_frame(sending, as_reader(dataframe))

    def update_metadata(
        self,
        *,
        project_name: str | None = None,
        dataframe: Any,
        space_id: str | None = None,
        patch_document_column_name: str = "patch_document",
        validate: bool = True,
        timeout: float | None = None,
        project: str | None = None,
        space: str | None = None,
    ) -> MetadataResponse:
        """Set top-level keys of the metadata of spans that the service has.

        One call, in which a row that cannot be applied fails alone. The service stores a boolean
        as the text `True` or `False`, a dictionary or a list as JSON text; None and a missing
        number set the key to null, they do not remove it.

        Args:
            project_name: Name or id of the project.
            dataframe: `context.span_id` and columns `attributes.metadata.<key>`, or a column of
                patches (dictionaries, or texts of JSON objects), or both: then a patch wins, key
                by key. Anything that `log` takes.
            space_id: Id of the space.
            patch_document_column_name: The column of patches.
            validate: Check ids, patches, their length and depth first.
            timeout: Seconds to wait for the answer; `write_timeout_s` by default.
            project: Same as `project_name`.
            space: Name or id of the space.

        Returns:
            How many rows were applied, and which failed with their reasons; by name
            (`response.spans_failed`) or by key (`response["spans_failed"]`).

        Raises:
            ValidationError: With every problem found. Nothing was sent.
            ServiceError: The call failed.
        """
        with self._writing(Place.of(project_name, project, space_id, space)) as target:
            return update_metadata(
                self._flight,
                self._rest,
                project=target.project,
                space=target.space,
                data=dataframe,
                patch_document_column_name=patch_document_column_name,
                validate=validate,
                timeout_s=timeout,
            )
