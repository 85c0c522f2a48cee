"""Evaluations that travel beside their spans: a left join on the span's id, batch by batch."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._upload.problems import Problems
from spanduck._upload.validate import check_evaluations
from spanduck.exceptions import ValidationError
from spanduck_sql.schema import SPAN_ID, parse_evaluation_column

_POSITION: Final = "position"
_KEY: Final = "key"


class EvaluationColumns:
    """The columns of evaluations that a frame has for some of the spans; held in memory as a whole.

    Args:
        reader: `context.span_id` and columns named `eval.<name>.label`, `.score`, `.explanation`,
            in plain types; read to its end.
        validate: Check the values first. If not, a span with several rows of evaluations is sent
            several times.

    Attributes:
        dropped: Columns that are neither.

    Raises:
        ValidationError: There is no `context.span_id`, or a value breaks a rule.
    """

    def __init__(self, reader: pa.RecordBatchReader, *, validate: bool) -> None:
        table = reader.read_all()
        if SPAN_ID not in table.column_names:
            raise ValidationError(
                f"evals_dataframe has no column {SPAN_ID}",
                next_step=f"Its columns: {', '.join(table.column_names) or 'none'}.",
                column=SPAN_ID,
            )
        if validate:
            problems = Problems("evals_dataframe")
            check_evaluations(table, problems)
            problems.raise_if_any()
        sent = [
            name
            for name in table.column_names
            if parse_evaluation_column(name, sendable=True) is not None
        ]
        self.dropped = [name for name in table.column_names if name not in (*sent, SPAN_ID)]
        self._values = table.select(sent).combine_chunks()
        self._ids = table.column(SPAN_ID).combine_chunks()
        self._is_matched = pa.repeat(pa.scalar(False), table.num_rows)  # noqa: FBT003 - a value
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

    def matched_count(self) -> int:
        """Return how many evaluations of joined spans say anything; one is a span and a name."""
        return _count(self._values.filter(self._is_matched))

    def unmatched(self) -> pa.Array:
        """Return the span ids that no joined batch had."""
        return _array(self._ids.filter(pc.invert(self._is_matched)))

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
