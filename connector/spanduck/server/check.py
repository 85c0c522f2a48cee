"""The first reading of an upload: every value that could be refused is refused here.

Nothing is stored before the whole body has passed, and what is learnt on the way (which columns
hold values, whether ids repeat, whether rows lie in the order of time) decides how it is stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck.server.errors import RequestError
from spanduck.server.kinds import Kind
from spanduck.server.spool import SLICE_ROWS
from spanduck_sql.schema import (
    END_TIME,
    MAX_FUTURE_DAYS,
    MAX_PAST_DAYS,
    NAME,
    SPAN_ID,
    START_TIME,
    TRACE_ID,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanduck.server.spool import IncomingColumn, Spool

_REQUIRED: Final = (SPAN_ID, TRACE_ID, NAME, START_TIME)
_EXACT: Final = 2**53
_NS: Final = 1_000_000_000


class Order(Enum):
    """How far rows lie in the order of their start times."""

    ROWS = "rows"
    """Each is no earlier than the one before it."""
    SLICES = "slices"
    """Only rows of neighbouring slices are out of order: sorting each slice is enough."""
    NONE = "none"


@dataclass
class Findings:
    """What the first reading learnt.

    Attributes:
        rows: Rows of the body.
        with_values: Indexes of columns that hold at least one value.
        inexact: Indexes of integer columns with a value that a double cannot hold exactly.
        with_nan: Indexes of columns of doubles in which a value is NaN.
        ids: The distinct span ids.
        keep: Whether each row is the last of its id; None when no id repeats.
        order: How far the rows lie in the order of time already.
        row_bytes: The largest average size of a row in a batch.
    """

    rows: int = 0
    with_values: set[int] = field(default_factory=set)
    inexact: set[int] = field(default_factory=set)
    with_nan: set[int] = field(default_factory=set)
    ids: pa.Array | None = None
    keep: pa.BooleanArray | None = None
    order: Order = Order.ROWS
    row_bytes: int = 0


def check(
    spool: Spool,
    columns: Sequence[IncomingColumn],
    *,
    announced_rows: int | None = None,
    id_name: str = SPAN_ID,
    with_spans: bool = True,
) -> Findings:
    """Read a whole body once and refuse it if anything in it cannot be stored.

    Args:
        spool: The body.
        columns: The columns that will be stored.
        announced_rows: Rows the sender said there were; fewer means that the body was cut.
        id_name: The column of span ids.
        with_spans: Whether the rows are spans; otherwise they are evaluations, which have no time
            and of which an id may have several.

    Raises:
        RequestError: Names the column, the row (from 0) and the value at fault.
    """
    findings = Findings()
    ids: list[pa.Array] = []
    ranges: list[tuple[int, int]] = []
    is_ordered, last_start = True, 0
    now = datetime.now(UTC)
    oldest = int((now - timedelta(days=MAX_PAST_DAYS)).timestamp()) * _NS
    newest = int((now + timedelta(days=MAX_FUTURE_DAYS)).timestamp()) * _NS
    for batch in spool.checked_batches():
        ids.append(_ids(batch, id_name, findings.rows))
        if with_spans:
            _require(batch, findings.rows)
            starts = epoch_ns(batch.column(START_TIME), START_TIME)
            _check_window(starts, ids[-1], oldest, newest, findings.rows)
            epoch_ns_if_present(batch, END_TIME)
            if batch.num_rows:
                is_ordered = is_ordered and _rises(starts, last_start)
                last_start = starts[-1].as_py()
            ranges += _ranges(starts)
        for column in columns:
            _look_at(batch.column(column.index), column, findings)
        findings.rows += batch.num_rows
        findings.row_bytes = max(findings.row_bytes, batch.nbytes // max(batch.num_rows, 1))
    if announced_rows is not None and findings.rows < announced_rows:
        raise RequestError(
            f"the body ends after {findings.rows} of {announced_rows} rows",
            next_step="It was cut on its way; send it again.",
        )
    if not is_ordered:
        findings.order = Order.SLICES if _overlap_with_neighbours(ranges) else Order.NONE
    _find_repeated(ids, findings)
    return findings


def epoch_ns(array: pa.Array, name: str) -> pa.Array:
    """Return times as int64 nanoseconds since the epoch; nulls stay null.

    Integers and doubles are taken as such nanoseconds; timestamps without a zone as UTC.

    Raises:
        RequestError: Another type, or a value out of range.
    """
    types = pa.types
    try:
        if types.is_timestamp(array.type):
            return array.cast(pa.timestamp("ns", tz=array.type.tz)).cast(pa.int64())
        if types.is_integer(array.type) or types.is_null(array.type):
            return array.cast(pa.int64())
        if types.is_floating(array.type):
            return pc.round(array).cast(pa.int64())
    except pa.ArrowInvalid as exc:
        raise RequestError(f"the column {name!r} holds a time out of range: {exc}") from exc
    raise RequestError(
        f"the column {name!r} has the type {array.type}, not int64",
        next_step="Send nanoseconds since the Unix epoch, in UTC.",
    )


def epoch_ns_if_present(batch: pa.RecordBatch, name: str) -> None:
    """Refuse a batch whose column `name`, if there is one, holds no times."""
    index = batch.schema.get_field_index(name)
    if index >= 0:
        epoch_ns(batch.column(index), name)


def _ids(batch: pa.RecordBatch, name: str, offset: int) -> pa.Array:
    try:
        ids = batch.column(name).cast(pa.string())
    except pa.ArrowNotImplementedError as exc:
        raise RequestError(
            f"the column {name!r} has the type {batch.column(name).type}, not string"
        ) from exc
    absent = pc.fill_null(pc.equal(ids, ""), fill_value=True)
    if pc.any(absent).as_py():
        raise RequestError(
            f"row {offset + _first(absent)} has no {name}",
            next_step="Every row needs the id of its span.",
        )
    # A copy, also of one array: a column alone would keep the whole batch in memory.
    return pa.concat_arrays([ids])


def _require(batch: pa.RecordBatch, offset: int) -> None:
    for name in _REQUIRED:
        values = batch.column(name)
        if values.null_count:
            row = offset + _first(values.is_null())
            raise RequestError(f"row {row} has no {name}", next_step="Every span needs one.")


def _check_window(starts: pa.Array, ids: pa.Array, oldest: int, newest: int, offset: int) -> None:
    outside = pc.or_(pc.less(starts, oldest), pc.greater(starts, newest))
    if not pc.any(outside).as_py():
        return
    row = _first(outside)
    value = starts[row].as_py()
    limit = (
        f"older than {MAX_PAST_DAYS} days"
        if value < oldest
        else f"over {MAX_FUTURE_DAYS} days ahead"
    )
    raise RequestError(
        f"row {offset + row} (span {ids[row].as_py()!r}) has the {START_TIME} {value}"
        f"{_readable(value)}, {limit}",
        next_step=f"{START_TIME} is in nanoseconds since the Unix epoch.",
    )


def _readable(value: int) -> str:
    try:
        return f" ({datetime.fromtimestamp(value / _NS, UTC).isoformat()})"
    except (ValueError, OverflowError, OSError):
        return ""


def _rises(starts: pa.Array, last: int) -> bool:
    if starts[0].as_py() < last:
        return False
    return not pc.any(pc.less(starts[1:], starts[:-1])).as_py()


def _ranges(starts: pa.Array) -> list[tuple[int, int]]:
    """Return the earliest and the latest time of each slice, as the spool cuts them."""
    ends = (pc.min_max(starts.slice(row, SLICE_ROWS)) for row in range(0, len(starts), SLICE_ROWS))
    return [(end["min"].as_py(), end["max"].as_py()) for end in ends]


def _overlap_with_neighbours(ranges: Sequence[tuple[int, int]]) -> bool:
    """Tell whether each slice ends before the next but one, and all after that, begin."""
    latest = accumulate((end for _, end in ranges), max)
    earliest = list(accumulate((start for start, _ in reversed(ranges)), min))[::-1]
    return all(before <= after for before, after in zip(latest, earliest[2:], strict=False))


def _look_at(array: pa.Array, column: IncomingColumn, findings: Findings) -> None:
    incoming = column.incoming
    if incoming.kind is None or array.null_count == len(array):
        return
    if incoming.convert is not None:
        try:
            array = incoming.convert(array)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
            raise RequestError(
                f"the column {column.logical!r} holds a value that cannot be stored: {exc}"
            ) from exc
    findings.with_values.add(column.index)
    if incoming.kind is Kind.INT64 and column.index not in findings.inexact:
        ends = pc.min_max(array)
        low, high = ends["min"].as_py(), ends["max"].as_py()
        if low is not None and (low <= -_EXACT or high >= _EXACT):
            findings.inexact.add(column.index)
    is_asked = incoming.kind is Kind.FLOAT64 and column.index not in findings.with_nan
    if is_asked and pc.any(pc.is_nan(array)).as_py():
        findings.with_nan.add(column.index)


def _find_repeated(ids: Sequence[pa.Array], findings: Findings) -> None:
    column = pa.chunked_array(ids, type=pa.string())
    distinct = pc.unique(column)
    findings.ids = distinct
    if len(distinct) == len(column):
        return
    # `max` of the row numbers: the last row of an id wins. Numbers come from a running count, which
    # Arrow has as a cumulative sum.
    numbers = pc.cumulative_sum(pa.repeat(1, len(column)))
    last = pa.table({"id": column, "row": numbers}).group_by("id").aggregate([("row", "max")])
    keep = pc.is_in(numbers, value_set=last["row_max"].combine_chunks())
    findings.keep = keep.combine_chunks() if isinstance(keep, pa.ChunkedArray) else keep


def _first(mask: pa.Array) -> int:
    row: int = pc.index(mask, value=True).as_py()
    return row
