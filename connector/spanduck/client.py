"""The Python client of the service's spans."""

from __future__ import annotations

import threading
import weakref
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from spanduck import embedded
from spanduck._config import Settings, load_settings
from spanduck._export.frame import to_frame
from spanduck._export.parquet import check_target, write_parquet
from spanduck._export.reader import ExportReader
from spanduck._export.request import ExportRequest
from spanduck._progress import progress
from spanduck._rest_calls.annotation import annotate_spans
from spanduck._rest_calls.deletion import delete_spans
from spanduck._rest_calls.listing import ListArguments, list_page, list_pages
from spanduck._scan import schema_cache
from spanduck._scan.stream import open_stream
from spanduck._transport.flight import FlightTransport
from spanduck._transport.names import Names
from spanduck._transport.rest import RestTransport
from spanduck._upload.arrow_input import as_reader, is_frame
from spanduck._upload.spans import UploadOptions, upload_spans
from spanduck._upload.times import DEFAULT_FORMAT
from spanduck._wire import DEFAULT_LIST_LIMIT, LIST_LIMIT, is_id
from spanduck._write.annotations import update_annotations
from spanduck._write.evaluations import update_evaluations
from spanduck._write.metadata import update_metadata
from spanduck.exceptions import ConfigError, UnknownProjectError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from types import TracebackType
    from typing import Self

    import pandas as pd
    import pyarrow as pa

    from spanduck._scan.stream import ScanStream
    from spanduck.types import (
        DeleteResponse,
        MetadataResponse,
        Span,
        SpansPage,
        UpdateResponse,
        UploadResponse,
    )

__all__ = ["SpansClient"]

_SPANS: Final = "spans"


class SpansClient:
    """Uploads, exports and updates spans; method and argument names are the vendor's.

    ::

        with spanduck.SpansClient() as client:
            client.log(project_name="my-llm-app", dataframe=spans)
            frame = client.export_to_df(project_name="my-llm-app")

    Connections are opened by the first call that needs one, and closed with the client, which is
    a context manager. One client may be used from several threads at once. With no API key
    configured it uses the embedded server of the local folder, and starts it if need be.

    Args:
        settings: Resolved settings, instead of arguments, environment and `spanduck.toml`.
        profile: Which `[profiles.NAME]` of `spanduck.toml` applies.
        **overrides: Settings by name: `api_key`, `space` (or `space_id`), `api_host`,
            `flight_host`, … and the local ones such as `read_timeout_s`.

    Attributes:
        settings: The settings in force; the key is masked in their text.

    Every method takes the space from the settings when it is left out, and `project` and `space`
    as synonyms of `project_name` and `space_id`. A `space_id` is sent as it is; a `space` may be
    a name, which is looked up once.

    Raises:
        ConfigError: A setting is unknown or has an impossible value.
    """

    # `Any`: settings have many types, and are checked where they are resolved.
    def __init__(
        self, *, settings: Settings | None = None, profile: str | None = None, **overrides: Any
    ) -> None:
        if settings is not None and (profile is not None or overrides):
            raise ConfigError(
                "settings are given, and others beside them",
                next_step="Pass either settings= or single settings by name.",
            )
        resolved = settings if settings is not None else load_settings(overrides, profile=profile)
        self.settings = embedded.ensure_default(resolved)
        self._lock = threading.Lock()
        self._is_closed = False
        self._rest = RestTransport(self.settings)
        self._flight = FlightTransport(self.settings)
        self._streams: weakref.WeakSet[ScanStream] = weakref.WeakSet()
        self._names = Names(self._rest, self.settings.service.space)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else self.settings.service.rest_url
        return f"<spanduck.SpansClient {state}>"

    def close(self) -> None:
        """Close every connection and cancel the open exports; may be called again."""
        with self._lock:
            self._is_closed = True
            streams = list(self._streams)
        for stream in streams:
            # Whoever still reads must learn that this is not the end.
            stream.cancel()
            stream.close()
        self._flight.close()
        self._rest.close()

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
        project: str | None = None,
        space: str | None = None,
    ) -> UploadResponse:
        """Upload spans, and evaluations of them.

        Sent in calls of at most 100,000 spans or 200 MB; each call is stored as a whole or not at
        all. Nothing is sent before the last row was checked, unless `validate` is off. A call is
        repeated only where the service cannot have stored it. Uploading a span again replaces it.

        Args:
            project_name: Name of the project; the service makes it if there is none.
            dataframe: Spans: a DataFrame, an Arrow table or reader, a DuckDB relation, or
                anything with `__arrow_c_stream__`; all but a DataFrame stream. Columns
                `context.span_id`, `context.trace_id`, `name`, `start_time` and `end_time` are
                required. Times are texts (ISO 8601, else `datetime_format`), timestamps, or
                integers of nanoseconds since 1970; without a zone they are UTC. Columns that are
                neither known nor called `attributes.…` are not sent, with a warning.
            evals_dataframe: One row a span with `context.span_id` and columns
                `eval.<name>.label`, `.score`, `.explanation`; held in memory. Rows of spans that
                are not in `dataframe` are not sent, with a warning.
            space_id: Id of the space.
            datetime_format: A `strptime` format.
            validate: Check types, lengths and required values first.
            timeout: Seconds to wait for the answer to each call; `write_timeout_s` by default.
            tmp_dir: Folder, or file, in which the bodies of the calls are written; a temporary
                folder by default. With `validate` they need as much room as the data.
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
        """
        name = self._names.project(_project_argument(project_name, project))
        space_given = _one_of("space_id", space_id, "space", space)
        resolved_space = self._space(space_id, space)
        options = UploadOptions(
            datetime_format=datetime_format,
            validate=validate,
            timeout_s=timeout,
            tmp_dir=tmp_dir,
            batch_rows=self.settings.service.max_chunksize,
        )
        with progress(
            unit=_SPANS, total=_length(dataframe), is_wanted=self.settings.local.progress
        ) as advance:
            try:
                return upload_spans(
                    self._rest,
                    dataframe,
                    evals_dataframe,
                    project=name,
                    space=resolved_space,
                    options=options,
                    progress=advance,
                )
            finally:
                # Even a call that failed may have brought columns.
                self._forget_schema(name, resolved_space, space_given)

    def export(
        self,
        *,
        project_name: str | None = None,
        space_id: str | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        where: str = "",
        columns: Sequence[str] | None = None,
        sample_rate: float | None = None,
        stream_chunk_size: int | None = None,
        project: str | None = None,
        space: str | None = None,
        filter: str | None = None,  # noqa: A002 - the other name of `where` in the vendor's own methods
    ) -> pa.RecordBatchReader:
        """Export spans as a stream of record batches.

        Args:
            project_name: Name or id of the project.
            space_id: Id of the space.
            start_time: First start of a span that is wanted, inclusive; without it, all that the
                service holds. A time without a zone is in the local one, as everywhere in Python.
            end_time: The same, exclusive.
            where: Filter in the service's language, evaluated there.
            columns: Only these columns; `time` comes along with them.
            sample_rate: Share of traces, 0.000001 to 1, chosen by trace id.
            stream_chunk_size: Rows of a batch, 1 to 5,000.
            project: Same as `project_name`.
            space: Name or id of the space.
            filter: Same as `where`.

        Returns:
            A reader of the types that the service sends, in no order. It streams, with a few
            batches in memory; the caller closes it, which cancels the rest at the service.
            Reading from it raises `IncompleteStreamError` when the export ends before its last
            row.

        Raises:
            UnknownProjectError: No such project or space; near matches are named.
            AuthenticationError: The key is wrong.
            FilterError: The filter is not valid.
            UnavailableError: Nobody answers.
        """
        reader, _ = self._export(
            _project_argument(project_name, project),
            self._space(space_id, space),
            start_time=start_time,
            end_time=end_time,
            where=_one_of("where", where or None, "filter", filter) or "",
            columns=columns,
            sample_rate=sample_rate,
            chunk_rows=stream_chunk_size,
        )
        return reader

    # `Any`: the arguments of `export`, under the same names.
    def export_to_df(self, **arguments: Any) -> pd.DataFrame:
        """Export spans as a pandas DataFrame; all of it is in memory.

        Args:
            **arguments: Those of `export`.

        Returns:
            Rows sorted by `time`. Messages, embeddings, documents and tools are lists of
            dictionaries, prompt variables and metadata dictionaries, `start_time` and `end_time`
            timestamps without a zone, UTC. Columns that are null in every row are left out, so an
            export of no rows has none.

        Raises:
            ServiceError: As `export`.
        """
        import pyarrow as pa  # noqa: PLC0415 - only to put batches together

        reader, total = self._export_all(arguments)
        with (
            reader,
            progress(unit=_SPANS, total=total, is_wanted=self.settings.local.progress) as advance,
        ):
            batches = list(_counted(reader, advance))
            return to_frame(pa.Table.from_batches(batches, schema=reader.schema))

    def export_to_parquet(self, *, path: str | Path, **arguments: Any) -> int:
        """Export spans to a Parquet file, streaming.

        Args:
            path: The file. It appears when it is complete, and replaces one of that name.
            **arguments: Those of `export`.

        Returns:
            The number of rows; a file of none has the columns all the same.

        Raises:
            ConfigError: The file cannot be written.
            ServiceError: As `export`; no file is left behind.
        """
        target = Path(path)
        check_target(target)
        reader, total = self._export_all(arguments)
        with (
            reader,
            progress(unit=_SPANS, total=total, is_wanted=self.settings.local.progress) as advance,
        ):
            return write_parquet(target, reader.schema, _counted(reader, advance))

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

        Args:
            project_name: Name or id of the project.
            dataframe: `context.span_id` and columns `eval.<name>.label`, `.score`,
                `.explanation`; anything that `log` takes.
            space_id: Id of the space.
            validate: Check types, lengths and required values first.
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
        name = self._names.project(_project_argument(project_name, project))
        space_given = _one_of("space_id", space_id, "space", space)
        resolved_space = self._space(space_id, space)
        try:
            return update_evaluations(
                self._flight,
                self._rest,
                project=name,
                space=resolved_space,
                reader=as_reader(dataframe),
                validate=validate,
                force_http=force_http,
                timeout_s=timeout,
                tmp_dir=tmp_dir,
            )
        finally:
            self._forget_schema(name, resolved_space, space_given)

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

        Args:
            project_name: Name or id of the project.
            dataframe: `context.span_id` and columns `annotation.<name>.label`, `.score`, `.text`,
                `.updated_by`, `.updated_at` (milliseconds), and texts in `annotation.notes`;
                anything that `log` takes. Without them `.updated_by` is `SDK` and `.updated_at`
                now.
            space_id: Id of the space.
            validate: Check types, lengths and required values first.
            timeout: Seconds to wait for the answer; `write_timeout_s` by default.
            project: Same as `project_name`.
            space: Name or id of the space.

        Returns:
            How many spans were updated, and which ids the service does not hold.

        Raises:
            ValidationError: With every problem found. Nothing was sent.
            ServiceError: The call failed.
        """
        name = self._names.project(_project_argument(project_name, project))
        space_given = _one_of("space_id", space_id, "space", space)
        resolved_space = self._space(space_id, space)
        try:
            return update_annotations(
                self._flight,
                self._rest,
                project=name,
                space=resolved_space,
                reader=as_reader(dataframe),
                validate=validate,
                timeout_s=timeout,
            )
        finally:
            self._forget_schema(name, resolved_space, space_given)

    def list(
        self,
        *,
        project: str | None = None,
        space: str | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        filter: str | None = None,  # noqa: A002 - the vendor's name
        included_columns: Sequence[str] | None = None,
        excluded_columns: Sequence[str] | None = None,
        truncate_string_length: int | None = None,
        limit: int = DEFAULT_LIST_LIMIT,
        cursor: str | None = None,
        project_name: str | None = None,
        space_id: str | None = None,
    ) -> SpansPage:
        """List spans, newest first: one page of them.

        One call, and before it one that looks up a project given by name. For many spans `export`
        is faster by far.

        Args:
            project: Name or id of the project.
            space: Name or id of the space, in which a project is looked up by its name.
            start_time: First start of a span that is wanted; seven days ago by default. A time
                without a zone is in UTC.
            end_time: Last start that is wanted, inclusive; now by default. Likewise.
            filter: In the service's language, evaluated there.
            included_columns: Only these columns, by full names such as
                `attributes.llm.model_name`, beside the fields that every span has. Unknown names
                are ignored.
            excluded_columns: All columns but these; not together with `included_columns`.
            truncate_string_length: Most characters of a text within `attributes`; a text that is
                cut ends in `…`.
            limit: Spans of a page, 1 to 500.
            cursor: `pagination.next_cursor` of the page before, with all other arguments but
                `limit` as they were.
            project_name: Same as `project`.
            space_id: Id of the space.

        Returns:
            The page. Iterating over it gives its spans; for further pages see `iter_pages`.

        Raises:
            ValidationError: An argument is out of its range. Nothing was sent.
            UnknownProjectError: No such project or space; near matches are named.
            FilterError: The filter is not valid.
            RejectedError: The cursor is of another list.
            UnavailableError: Nobody answers.
        """
        arguments = ListArguments(
            start_time=start_time,
            end_time=end_time,
            filter=filter,
            included_columns=included_columns,
            excluded_columns=excluded_columns,
            truncate_string_length=truncate_string_length,
            limit=limit,
            cursor=cursor,
        )
        arguments.check()
        project_id = self._project_id(project_name, project, space_id, space)
        return list_page(self._rest, project_id, arguments)

    # `Any`: the arguments of `list`, under the same names.
    def iter_pages(self, **arguments: Any) -> Iterator[SpansPage]:
        """List spans page after page, newest first, until there are no more.

        Costs a call for each page, made when that page is asked for: 2,000 calls for a million
        spans, which `export` reads in one. Spans that arrive meanwhile neither repeat others nor
        hide them; the window is that of the first page.

        Args:
            **arguments: Those of `list`; `limit`, 50 by default, is the size of each page, and
                `cursor` where to begin.

        Returns:
            Pages; of no spans a single empty one.

        Raises:
            ServiceError: As `list`, also between pages.
        """
        names = ("project_name", "project", "space_id", "space")
        given = [arguments.pop(name, None) for name in names]
        wanted = ListArguments(**arguments)
        wanted.check()
        return list_pages(self._rest, self._project_id(*given), wanted)

    def iter_spans(self, **arguments: Any) -> Iterator[Span]:
        """List spans one by one, newest first, until there are no more.

        As `iter_pages`, whose cost it has, with pages of 500 unless `limit` says otherwise.
        """
        return chain.from_iterable(self.iter_pages(**{"limit": LIST_LIMIT, **arguments}))

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
                most; 7 for sessions.
            end_time: The same; now by default, and at the latest.
            granularity: What a `record_id` names: `SPAN` (default), `TRACE` (by its root span) or
                `SESSION` (the root span of its earliest trace is annotated).
            project_name: Same as `project`.
            space_id: Id of the space.

        Raises:
            ValidationError: A record is none. Nothing was sent.
            UnknownProjectError: No such project or space, or a record that is not in the window.
            RejectedError: The service refuses a record; nothing was written.
        """
        name = wanted = _project_argument(project_name, project)
        if not is_id(wanted):
            wanted = self._rest.resolve_project(wanted, self._space(space_id, space)).id
        try:
            annotate_spans(
                self._rest,
                project_id=wanted,
                annotations=annotations,
                start_time=start_time,
                end_time=end_time,
                granularity=granularity,
            )
        finally:
            self._forget_schema(name, space_id, space)

    annotate_spans = annotate
    """What the vendor's clients called it before release 8.31."""

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
        name = self._names.project(_project_argument(project_name, project))
        space_given = _one_of("space_id", space_id, "space", space)
        resolved_space = self._space(space_id, space)
        try:
            return update_metadata(
                self._flight,
                self._rest,
                project=name,
                space=resolved_space,
                data=dataframe,
                patch_document_column_name=patch_document_column_name,
                validate=validate,
                timeout_s=timeout,
            )
        finally:
            self._forget_schema(name, resolved_space, space_given)

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
            start_time: Only spans that start then or later; two years ago by default.
            end_time: Only spans that start before; now by default.
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
        wanted = _project_argument(project_name, project)
        if not is_id(wanted):
            wanted = self._rest.resolve_project(wanted, self._space(space_id, space)).id
        return delete_spans(
            self._rest,
            project_id=wanted,
            span_ids=span_ids,
            start_time=start_time,
            end_time=end_time,
        )

    def _export_all(self, arguments: dict[str, Any]) -> tuple[pa.RecordBatchReader, int | None]:
        given = dict(arguments)
        name = _project_argument(given.pop("project_name", None), given.pop("project", None))
        where = _one_of(
            "where", given.pop("where", "") or None, "filter", given.pop("filter", None)
        )
        chunk_rows = given.pop("stream_chunk_size", None)
        space = self._space(given.pop("space_id", None), given.pop("space", None))
        return self._export(name, space, where=where or "", chunk_rows=chunk_rows, **given)

    def _export(
        self, project: str, space: str, *, chunk_rows: int | None, **arguments: Any
    ) -> tuple[pa.RecordBatchReader, int | None]:
        request = ExportRequest(
            project=self._names.project(project),
            space=space,
            chunk_rows=(
                chunk_rows if chunk_rows is not None else self.settings.local.stream_chunk_rows
            ),
            **arguments,
        )
        local = self.settings.local
        stream = open_stream(
            self._flight,
            request.command(),
            completeness=local.completeness,
            read_timeout_s=local.read_timeout_s,
        )
        with self._lock:
            self._streams.add(stream)
        try:
            schema = request.schema(stream.schema)
        except UnknownProjectError as exc:
            stream.close()
            raise self._names.unknown_project(project, space) from exc
        except BaseException:
            stream.close()
            raise
        total = stream.total_records if stream.total_records >= 0 else None
        reader = ExportReader(schema, _trimmed(stream, request), stream.close, total_rows=total)
        return reader, total

    def _project_id(
        self, project_name: str | None, project: str | None, space_id: str | None, space: str | None
    ) -> str:
        wanted = _project_argument(project_name, project)
        if is_id(wanted):
            return wanted
        return self._rest.resolve_project(wanted, self._space(space_id, space)).id

    def _space(self, space_id: str | None, space: str | None) -> str:
        # An id is an id: it travels as it is.
        if space_id and (space is None or space == space_id):
            return space_id
        return self._names.space(_one_of("space_id", space_id, "space", space))

    def _forget_schema(self, project: str, *spaces: str | None) -> None:
        service, home = self.settings.service.flight_location, self.settings.local.home
        # Under every name that a query may have asked by.
        for space in {*spaces, self.settings.service.space} - {None}:
            schema_cache.drop(service, str(space), project, home=home)


def _trimmed(stream: ScanStream, request: ExportRequest) -> Iterator[pa.RecordBatch]:
    for batch in stream:
        trimmed = request.trim(batch)
        if trimmed.num_rows:
            yield trimmed


def _counted(reader: pa.RecordBatchReader, advance: Any) -> Iterator[pa.RecordBatch]:
    for batch in reader:
        advance("exporting", batch.num_rows)
        yield batch


def _length(data: Any) -> int | None:
    # Not of a relation, which would run its query to know.
    if is_frame(data):
        return len(data)
    return getattr(data, "num_rows", None)


def _one_of(name: str, value: str | None, synonym: str, other: str | None) -> str | None:
    if value is not None and other is not None and value != other:
        raise ConfigError(
            f"{name}={value!r} and {synonym}={other!r} are two names of one argument",
            next_step="Pass one of them.",
            setting=name,
        )
    return value if value is not None else other


def _project_argument(project_name: str | None, project: str | None) -> str:
    chosen = _one_of("project_name", project_name, "project", project)
    if chosen is None or not chosen.strip():
        raise ValidationError("no project is given", next_step="Pass project_name=.")
    return chosen
