"""Exporting spans: as a stream, as a frame, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanduck._client.arguments import Place, one_of
from spanduck._client.connection import Connection
from spanduck._export.frame import to_frame
from spanduck._export.parquet import write_parquet
from spanduck._export.reader import ExportReader
from spanduck._export.replacing import check_target
from spanduck._export.request import ExportRequest
from spanduck._scan.stream import open_stream
from spanduck.exceptions import ConfigError, UnknownProjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    import pandas as pd
    import pyarrow as pa

    from spanduck._scan.stream import ScanStream


class Exports(Connection):
    """The client's exports."""

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
        place = Place.of(project_name, project, space_id, space)
        local = self.settings.local
        target = self._target(place)
        request = ExportRequest(
            project=target.project,
            space=target.space,
            start_time=start_time,
            end_time=end_time,
            where=one_of("where", where or None, "filter", filter) or "",
            columns=columns,
            sample_rate=sample_rate,
            chunk_rows=local.stream_chunk_rows if stream_chunk_size is None else stream_chunk_size,
        )
        stream = self._open_stream(request)
        try:
            schema = request.schema(stream.schema)
        except UnknownProjectError as exc:
            stream.close()
            raise self._names.unknown_project(place.project, target.space, exc) from exc
        except BaseException:
            stream.close()
            raise
        total = stream.total_records if stream.total_records >= 0 else None
        return ExportReader(schema, _trimmed(stream, request), stream.close, total_rows=total)

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

        with self.export(**arguments) as reader, self._progress(reader.total_rows) as advance:
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
        with self.export(**arguments) as reader, self._progress(reader.total_rows) as advance:
            return write_parquet(target, reader.schema, _counted(reader, advance))

    def _open_stream(self, request: ExportRequest) -> ScanStream:
        local = self.settings.local
        if self._is_closed:
            raise ConfigError("the client is closed", next_step="Open another SpansClient.")
        stream = open_stream(
            self._flight,
            request.command(),
            completeness=local.completeness,
            read_timeout_s=local.read_timeout_s,
        )
        with self._lock:
            self._streams.add(stream)
            is_late = self._is_closed
        if is_late:
            stream.close()
        return stream


def _trimmed(stream: ScanStream, request: ExportRequest) -> Iterator[pa.RecordBatch]:
    for batch in stream:
        trimmed = request.trim(batch)
        if trimmed.num_rows:
            yield trimmed


def _counted(
    reader: pa.RecordBatchReader, advance: Callable[[str, int], None]
) -> Iterator[pa.RecordBatch]:
    for batch in reader:
        advance("exporting", batch.num_rows)
        yield batch
