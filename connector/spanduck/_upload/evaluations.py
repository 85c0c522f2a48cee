"""Evaluations that travel beside their spans: a left join on the span's id, batch by batch."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._upload.problems import Problems
from spanduck._upload.values.check import ValueChecks
from spanduck._upload.values.columns import note_unknown, read_frame
from spanduck._upload.values.kinds import EVALUATIONS
from spanduck._upload.values.long import LongRows
from spanduck._upload.values.pivot import wide_rows, without_repeated
from spanduck._upload.values.wide import WideFrame
from spanduck.exceptions import ValidationError
from spanduck_sql.schema import SPAN_ID, parse_evaluation_column

if TYPE_CHECKING:
    from spanduck._upload.values.long import LongFrame

_POSITION: Final = "position"
_KEY: Final = "key"


class EvaluationColumns:
    """The columns of evaluations that a frame has for some of the spans; held in memory as a whole.

    Args:
        reader: `context.span_id` (or `span_id`), and either columns named `eval.<name>.label`,
            `.score`, `.explanation`, or a column `name` with `label`, `score`, `explanation` and
            `level`; in plain types; read to its end.
        validate: Check the values first. If not, a span with several rows of evaluations is sent
            several times.

    Attributes:
        dropped: Columns that are neither, nor any other of spans.

    Raises:
        ValidationError: There is no id or no evaluation, or a value breaks a rule.
    """

    def __init__(self, reader: pa.RecordBatchReader, *, validate: bool) -> None:
        problems = Problems("evals_dataframe")
        names = list(reader.schema.names)
        self.dropped: list[str] = []

        def on_unknown(name: str) -> None:
            if validate and EVALUATIONS.read(name, sendable=False) is not None:
                note_unknown(EVALUATIONS, problems, name, names)
            else:
                self.dropped.append(name)

        frame = read_frame(reader.schema, EVALUATIONS, problems, on_unknown=on_unknown)
        problems.raise_if_any()
        assert frame is not None  # noqa: S101 - or there was a problem
        now_ms = time.time_ns() // 1_000_000
        checks = ValueChecks(EVALUATIONS, problems, now_ms) if validate else None
        if isinstance(frame, WideFrame):
            self._ids, self._values = _wide(frame, reader, checks, problems)
        else:
            self._ids, self._values = _long(frame, reader, checks, problems)
        problems.raise_if_any()
        self._is_matched = pa.repeat(pa.scalar(False), len(self._ids))  # noqa: FBT003 - a value
        self._is_passed = self._is_matched
        self._has_duplicates = pc.count_distinct(self._ids).as_py() < len(self._ids)

    def schema(self, spans: pa.Schema) -> pa.Schema:
        """Return the schema of joined batches.

        Raises:
            ValidationError: The spans have columns of these names already, or no id.
        """
        if SPAN_ID not in spans.names:
            raise ValidationError(f"dataframe has no column {SPAN_ID}", column=SPAN_ID)
        return pa.schema([*spans, *self._values.schema])

    def join(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the spans with the columns of their evaluations, null where there are none."""
        ids = batch.column(SPAN_ID)
        if self._has_duplicates:
            rows, positions = self._pairs(ids)
            batch = batch.take(rows)
        else:
            positions = pc.index_in(ids, value_set=self._ids, skip_nulls=True)
        self._mark(positions.drop_null())
        values = self._values.take(positions)
        columns = [*batch.columns, *(_array(values.column(name)) for name in values.column_names)]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema(batch.schema))

    def pass_over(self, ids: pa.Array) -> None:
        """Note spans that were sent before, with their evaluations."""
        sent = pc.is_in(self._ids, value_set=ids.cast(pa.string()), skip_nulls=True)
        self._is_passed = pc.or_(self._is_passed, sent)

    def matched_count(self) -> int:
        """Return how many evaluations of joined spans say anything; one is a span and a name."""
        return _count(self._values.filter(self._is_matched))

    def unmatched(self) -> pa.Array:
        """Return the span ids that no batch had, neither joined nor passed over."""
        is_known = pc.or_(self._is_matched, self._is_passed)
        return _array(self._ids.filter(pc.invert(is_known)))

    def _pairs(self, ids: pa.Array) -> tuple[pa.Array, pa.Array]:
        # Arrow's join takes no nested columns along, so only the positions are joined.
        numbers = pa.array(range(len(ids)), pa.int64())
        left = pa.table({_KEY: ids, "row": numbers})
        right = pa.table({_KEY: self._ids, _POSITION: pa.array(range(len(self._ids)), pa.int64())})
        pairs = left.join(right, keys=_KEY, join_type="left outer")
        pairs = pairs.sort_by([("row", "ascending"), (_POSITION, "ascending")])
        return _array(pairs.column("row")), _array(pairs.column(_POSITION))

    def _mark(self, positions: pa.Array) -> None:
        here = pc.is_in(
            pa.array(range(len(self._is_matched)), pa.int64()), positions.cast(pa.int64())
        )
        self._is_matched = pc.or_(self._is_matched, here)


def _wide(
    frame: WideFrame,
    reader: pa.RecordBatchReader,
    checks: ValueChecks | None,
    problems: Problems,
) -> tuple[pa.Array, pa.Table]:
    table = reader.read_all().combine_chunks()
    ids = _array(table.column(frame.span_id))
    if checks is not None:
        first_row = 0
        for batch in table.to_batches():
            frame.check(frame.sent(batch, 0), first_row, checks)
            first_row += len(batch)
        _check_repeated(ids, problems)
    # As they were given: an integer score stays one.
    return ids, table.select(list(frame.columns))


def _long(
    frame: LongFrame,
    reader: pa.RecordBatchReader,
    checks: ValueChecks | None,
    problems: Problems,
) -> tuple[pa.Array, pa.Table]:
    rows = LongRows(frame, problems)
    read: list[pa.RecordBatch] = []
    first_row = 0
    for batch in reader:
        read.append(rows.read(batch, first_row, checks))
        first_row += len(batch)
    values = pa.concat_batches(read) if read else pa.RecordBatch.from_pylist([], frame.schema())
    if checks is not None:
        values = without_repeated(values, rows, problems)
    wide = wide_rows(values, range(len(rows.slots)), rows, 0)
    return wide.column(0), pa.Table.from_batches([wide]).select(wide.schema.names[1:])


def _check_repeated(ids: pa.Array, problems: Problems) -> None:
    counts = pc.value_counts(ids.drop_null())
    repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    if len(repeated):
        problems.add_rows(
            SPAN_ID,
            "more than one row of evaluations for a span",
            pc.is_in(ids, value_set=repeated),
            ids,
            first_row=0,
            next_step="Put all evaluations of a span into one row, or give each a row with a name.",
        )


def _count(values: pa.Table) -> int:
    said: dict[tuple[str, str], pa.ChunkedArray] = {}
    for name in values.column_names:
        parsed = parse_evaluation_column(name, sendable=True)
        assert parsed is not None  # noqa: S101 - only such columns were selected
        key = (parsed.level, parsed.name)
        here = pc.is_valid(values.column(name))
        said[key] = pc.or_(said[key], here) if key in said else here
    return sum(pc.sum(mask).as_py() or 0 for mask in said.values())


def _array(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
