"""What is asked of an export, and what must be taken off what comes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._scan.window import microseconds, sent_window
from spanduck._wire import ExportCommand
from spanduck.exceptions import FilterError, ValidationError
from spanduck_sql.pushdown import Window
from spanduck_sql.schema import START_TIME

if TYPE_CHECKING:
    from collections.abc import Sequence

_NS_PER_US: Final = 1_000
_SMALLEST_SAMPLE: Final = 1e-6
_MOST_CHUNK_ROWS: Final = 5_000


@dataclass(frozen=True)
class ExportRequest:
    """One export.

    Attributes:
        project: Name or id of the project.
        space: Name or id of the space.
        start_time: First instant of a span's start that is wanted; None for the earliest there
            can be. A time without a zone is in the local one.
        end_time: First instant that is not wanted any more; None for the latest there can be.
        where: Filter for the service; empty for none.
        columns: Only these, by their wire names; None for all. `time` comes along in any case.
        sample_rate: Share of the traces; None for all.
        chunk_rows: Rows of a batch.

    Raises:
        ValidationError: A value of a wrong type or out of its range.
        FilterError: The filter is white space.
    """

    project: str
    space: str
    start_time: datetime | None = None
    end_time: datetime | None = None
    where: str = ""
    columns: Sequence[str] | None = None
    sample_rate: float | None = None
    chunk_rows: int | None = None

    def __post_init__(self) -> None:
        for name in ("start_time", "end_time"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, datetime):
                raise ValidationError(f"{name} is {value!r}, not a datetime", column=name)
        if self.window.is_empty:
            raise ValidationError(
                f"start_time {self.start_time} is not before end_time {self.end_time}",
                next_step="The end is exclusive: make it later.",
            )
        if self.where and not self.where.strip():
            raise FilterError("the filter is white space", next_step="Leave it out for none.")
        if isinstance(self.columns, str):
            raise ValidationError(
                f"columns is the text {self.columns!r}", next_step="Pass a list of names."
            )
        if self.columns is not None and not self.columns:
            raise ValidationError("columns is empty", next_step="Pass None for all columns.")
        if self.sample_rate is not None and not _SMALLEST_SAMPLE <= self.sample_rate <= 1:
            raise ValidationError(
                f"sample_rate is {self.sample_rate}", next_step="It is from 0.000001 to 1."
            )
        if self.chunk_rows is not None and not 1 <= self.chunk_rows <= _MOST_CHUNK_ROWS:
            raise ValidationError(
                f"stream_chunk_size is {self.chunk_rows}",
                next_step=f"It is from 1 to {_MOST_CHUNK_ROWS:,}.",
            )

    @property
    def window(self) -> Window:
        """The bounds in microseconds."""
        return Window(_microseconds(self.start_time), _microseconds(self.end_time))

    def command(self) -> ExportCommand:
        """Return what is sent: a window worked out now, in whole seconds that hold all of it."""
        start, end = sent_window(self.window, datetime.now(UTC))
        return ExportCommand(
            space=self.space,
            project=self.project,
            start_time=start,
            end_time=end,
            filter_expression=self.where,
            projected_columns=self._sent_columns(),
            sample_rate=self.sample_rate,
            stream_chunk_size=self.chunk_rows,
        )

    def trim(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Take off the rows that whole seconds let in, and the column asked for to see that."""
        if self.window.is_bounded:
            batch = self._within(batch)
        if self._borrows_start_time and START_TIME in batch.schema.names:
            batch = batch.drop_columns([START_TIME])
        return batch

    def schema(self, wire: pa.Schema) -> pa.Schema:
        """Return the schema of trimmed batches."""
        if self._borrows_start_time and START_TIME in wire.names:
            return wire.remove(wire.get_field_index(START_TIME))
        return wire

    @property
    def _borrows_start_time(self) -> bool:
        return (
            self.columns is not None and self.window.is_bounded and START_TIME not in self.columns
        )

    def _sent_columns(self) -> tuple[str, ...]:
        columns = tuple(self.columns or ())
        return (*columns, START_TIME) if self._borrows_start_time else columns

    def _within(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if START_TIME not in batch.schema.names:
            return batch
        starts = batch.column(START_TIME)
        if pa.types.is_timestamp(starts.type):
            starts = starts.cast(pa.timestamp("ns", tz=starts.type.tz)).cast(pa.int64())
        elif not pa.types.is_int64(starts.type):
            return batch
        window, limits = self.window, pc.min_max(starts).as_py()
        keep = None
        if window.start is not None and limits["min"] is not None:
            first = window.start * _NS_PER_US
            if limits["min"] < first:
                keep = pc.greater_equal(starts, first)
        if window.end is not None and limits["max"] is not None:
            last = window.end * _NS_PER_US
            if limits["max"] >= last:
                before = pc.less(starts, last)
                keep = before if keep is None else pc.and_(keep, before)
        return batch if keep is None else batch.filter(keep)


def _microseconds(moment: datetime | None) -> int | None:
    if moment is None or not isinstance(moment, datetime):
        return None
    return microseconds(moment.astimezone(UTC))
