"""An upload of spans: read, prepare, check, write to disk, send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from spanduck._upload.arrow_input import BATCH_ROWS, as_reader, is_frame
from spanduck._upload.columns import is_sent
from spanduck._upload.evaluations import EvaluationColumns
from spanduck._upload.frame import frame_table
from spanduck._upload.kernels import Kernels
from spanduck._upload.notices import (
    warn_of_dropped_columns,
    warn_of_unknown_evaluations,
    warn_of_unmatched,
)
from spanduck._upload.parts import scratch, write_parts
from spanduck._upload.prepare import Preparation
from spanduck._upload.problems import Problems
from spanduck._upload.sending import PartSender
from spanduck._upload.times import DEFAULT_FORMAT
from spanduck._upload.validate import REQUIRED, check_columns, check_spans
from spanduck._wire import UPLOAD_SCHEMA_KEY, upload_schema_text
from spanduck.exceptions import ValidationError
from spanduck_sql.schema import SPAN_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spanduck._transport.rest import RestTransport
    from spanduck._upload.parts import Part
    from spanduck.types import UploadResponse

_GATHERED_ROWS: Final = 20_000
_GATHERED_BYTES: Final = 32 << 20


@dataclass(frozen=True)
class UploadOptions:
    """How spans are uploaded.

    Attributes:
        datetime_format: What texts of times are read with where they are not ISO 8601.
        validate: Check everything before anything is sent.
        timeout_s: Longest wait for the answer to a call.
        tmp_dir: Where the bodies of the calls are written; see `scratch`.
        batch_rows: Most rows of a record batch.
        skip_rows: Rows from the start that are stored already, and are neither checked nor sent.
        on_stored: Called after each call with the rows from the start that are stored.
    """

    datetime_format: str = DEFAULT_FORMAT
    validate: bool = True
    timeout_s: float | None = None
    tmp_dir: str = ""
    batch_rows: int = 10_000
    skip_rows: int = 0
    on_stored: Callable[[int], object] | None = None

    def check(self) -> None:
        """Raise what can be told before any row is looked at.

        Raises:
            ValidationError: A value is out of its range, or of another type.
        """
        if self.skip_rows < 0:
            raise ValidationError(
                f"skip_rows is {self.skip_rows}", next_step="Pass how many rows are stored already."
            )
        if not isinstance(self.datetime_format, str):
            raise ValidationError(
                f"datetime_format is {self.datetime_format!r}, not a text",
                next_step=f"The default is {DEFAULT_FORMAT!r}.",
            )


# `Any`: rows come as whatever object their library has.
def upload_spans(
    rest: RestTransport,
    data: Any,
    evaluations: Any = None,
    *,
    project: str,
    space: str,
    options: UploadOptions,
    progress: Callable[[str, int], None],
) -> UploadResponse:
    """Send spans, and evaluations with them, in calls of a bounded size.

    With validation nothing is sent before the last row was checked: until then the prepared rows
    lie in files as large as the data. Without, each part is sent when it is complete, and one
    file exists at a time.

    Args:
        rest: What sends.
        data: Spans; see `as_reader`.
        evaluations: Evaluations of these spans, or None; held in memory as a whole.
        project: Name of the project; the service makes it if there is none.
        space: Id or name of the space.
        options: How.
        progress: Called with `prepared` or `sent` and a number of further rows.

    Raises:
        ValidationError: With every problem found; nothing was sent.
        IncompleteUploadError: A call failed, and rows before it are stored.
        ServiceError: A call failed, and nothing is stored.
    """
    options.check()
    sender = PartSender(
        rest,
        space,
        rows_before=options.skip_rows,
        timeout_s=options.timeout_s,
        on_stored=options.on_stored,
    )
    with Kernels() as kernels, scratch(options.tmp_dir) as files:
        source = _Spans(data, evaluations, options, kernels, progress)
        parts = write_parts(
            source.batches(),
            source.schema.with_metadata({UPLOAD_SCHEMA_KEY: upload_schema_text(project)}),
            scratch=files,
            batch_rows=options.batch_rows,
            first_row=options.skip_rows,
        )
        if options.validate:
            # The end of this list is the end of all checks.
            parts = iter(list(parts))
            source.finish()

        def on_sent(part: Part) -> None:
            files.discard(part)
            progress("sent", part.rows)

        sender.send_all(parts, on_sent)
        if not options.validate:
            source.finish()
        return sender.response(source.evaluations_sent)


class _Spans:
    """The batches of an upload, checked on the way."""

    def __init__(
        self,
        data: Any,
        evaluations: Any,
        options: UploadOptions,
        kernels: Kernels,
        progress: Callable[[str, int], None],
    ) -> None:
        self._options = options
        self._kernels = kernels
        self._progress = progress
        self._problems = Problems("dataframe")
        self._reader, names = self._open(data)
        warn_of_dropped_columns(names)
        if options.validate:
            check_columns(self._reader.schema.names, REQUIRED, self._problems)
        self._preparation = Preparation(
            self._reader.schema,
            datetime_format=options.datetime_format,
            kernels=kernels,
            problems=self._problems,
            validate=options.validate,
        )
        self.schema: pa.Schema = self._preparation.schema
        self._evaluations: EvaluationColumns | None = None
        if evaluations is not None:
            self._evaluations = EvaluationColumns(as_reader(evaluations), validate=options.validate)
            warn_of_unknown_evaluations(self._evaluations.dropped)
            self.schema = self._evaluations.schema(self.schema)

    @property
    def evaluations_sent(self) -> int:
        """Evaluations whose span was among those sent."""
        return self._evaluations.matched_count() if self._evaluations is not None else 0

    def batches(self) -> Iterator[tuple[pa.RecordBatch, int]]:
        """Yield prepared batches with the number of spans each has."""
        first_row = self._options.skip_rows
        for batch in self._unsent():
            prepared = self._preparation.batch(batch, first_row)
            if self._options.validate:
                check_spans(prepared, batch, first_row, self._kernels, self._problems)
            first_row += batch.num_rows
            self._progress("prepared", batch.num_rows)
            if self._problems:
                if not self._options.validate:
                    break
                # Nothing will be sent, but the rest is looked at: all problems are told at once.
                continue
            if self._evaluations is not None:
                prepared = self._evaluations.join(prepared)
            yield prepared, batch.num_rows
        self._problems.raise_if_any()

    def _unsent(self) -> Iterator[pa.RecordBatch]:
        left = self._options.skip_rows
        for batch in _gathered(self._reader):
            skipped = min(left, batch.num_rows)
            left -= skipped
            if skipped and self._evaluations is not None:
                self._evaluations.pass_over(batch.slice(0, skipped).column(SPAN_ID))
            if skipped < batch.num_rows:
                yield batch.slice(skipped)
        if left:
            total = self._options.skip_rows - left
            raise ValidationError(
                f"{self._problems.what} has {total:,} rows, fewer than the"
                f" {self._options.skip_rows:,} to skip",
                next_step="Pass the data of the upload that was interrupted, in the same order.",
            )

    def finish(self) -> None:
        """Say which evaluations found no span."""
        if self._evaluations is None:
            return
        warn_of_unmatched(self._evaluations.unmatched())

    def _open(self, data: Any) -> tuple[pa.RecordBatchReader, list[str]]:
        if is_frame(data):
            table, names = frame_table(data, is_sent, self._problems)
            return table.to_reader(max_chunksize=BATCH_ROWS), names
        reader = as_reader(data)
        return reader, list(reader.schema.names)


def _gathered(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Yield batches of a size that is worth calling kernels for, made of smaller ones."""
    held: list[pa.RecordBatch] = []
    rows = size_bytes = 0
    for batch in reader:
        if held and (rows + batch.num_rows > _GATHERED_ROWS or size_bytes > _GATHERED_BYTES):
            yield _one(held)
            held, rows, size_bytes = [], 0, 0
        held.append(batch)
        rows += batch.num_rows
        size_bytes += batch.nbytes
    if held:
        yield _one(held)


def _one(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)
