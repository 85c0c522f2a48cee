"""Values of a long frame as rows of the wide one: one a span, with columns for every name.

What is given to these functions has all values of a span together, in the order of their rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spanduck._upload.values.long import ROW, SLOT, SPAN
from spanduck._upload.values.wide import added_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanduck._upload.problems import Problems
    from spanduck._upload.values.long import Flags, LongRows, Numbers

_NEXT_STEP: Final = "Keep one of them."


def without_repeated(values: pa.RecordBatch, rows: LongRows, problems: Problems) -> pa.RecordBatch:
    """Drop values that equal an earlier one, and note those that contradict one.

    Args:
        values: Rows as `LongRows.read` returns them; all values of a span.
        rows: What read them.
        problems: Where two rows are noted that give one thing of one span different values.
    """
    order, is_first = _by_value(values, len(rows.slots))
    if is_first.all():
        return values
    # Each later value beside the first of its own.
    later = order[~is_first]
    first = order[is_first][np.cumsum(is_first) - 1][~is_first]
    differs = np.zeros(len(later), dtype=np.bool_)
    for name in rows.frame.fields:
        column = values.column(name)
        equal = _equal(column.take(pa.array(later)), column.take(pa.array(first)))
        differs |= ~equal.to_numpy(zero_copy_only=False)
    if differs.any():
        _note_contradictions(values, later[differs], first[differs], rows, problems)
    kept = np.ones(len(values), dtype=np.bool_)
    kept[later] = False
    return values.filter(pa.array(kept))


def wide_rows(
    values: pa.RecordBatch, slots: Sequence[int], rows: LongRows, now_ms: int
) -> pa.RecordBatch:
    """Return the values of some names as wide rows, by span.

    A value that a span has twice makes another row, after the first.

    Args:
        values: Rows as `LongRows.read` returns them; all values of a span.
        slots: The names, by their numbers.
        rows: What read them.
        now_ms: The time of the values, where the frame tells none.
    """
    numbers = _numbers(values.column(SLOT))
    values = values.filter(pa.array(np.isin(numbers, np.array(slots, dtype=np.int64))))
    row_of_value, row_count = _rows_of(values, len(rows.slots))
    numbers = _numbers(values.column(SLOT))
    last = np.zeros(row_count, dtype=np.int64)
    last[row_of_value] = np.arange(len(values))
    arrays = [values.column(SPAN).take(pa.array(last))]
    value_of_row_by_slot = {
        slot: _value_of_row(numbers, slot, row_of_value, row_count) for slot in slots
    }
    slot_by_name = {(rows.slots[slot].level, rows.slots[slot].name): slot for slot in slots}
    for column in rows.columns(slots):
        slot = slot_by_name[column.level, column.name]
        arrays.append(values.column(column.field).take(value_of_row_by_slot[slot]))
    for column in rows.added(slots):
        slot = slot_by_name[column.level, column.name]
        everywhere = added_values(column.field, len(values), now_ms)
        arrays.append(everywhere.take(value_of_row_by_slot[slot]))
    return pa.RecordBatch.from_arrays(arrays, schema=rows.wire_schema(slots))


def _value_of_row(numbers: Numbers, slot: int, row_of_value: Numbers, row_count: int) -> pa.Array:
    of_slot = np.flatnonzero(numbers == slot)
    value_of_row = np.full(row_count, -1, dtype=np.int64)
    value_of_row[row_of_value[of_slot]] = of_slot
    return pa.array(value_of_row, mask=value_of_row < 0)


def _rows_of(values: pa.RecordBatch, slot_count: int) -> tuple[Numbers, int]:
    """Return the wide row of each value: its span's first, or a later one where it is repeated."""
    order, is_first = _by_value(values, slot_count)
    starts = np.flatnonzero(is_first)
    nth = np.empty(len(values), dtype=np.int64)
    nth[order] = np.arange(len(values)) - np.repeat(starts, np.diff(np.append(starts, len(values))))
    most = int(nth.max(initial=0)) + 1
    found, row_of_value = np.unique(_spans(values) * most + nth, return_inverse=True)
    return row_of_value, len(found)


def _by_value(values: pa.RecordBatch, slot_count: int) -> tuple[Numbers, Flags]:
    """Return an order in which values of one name and span are together, and which begin one."""
    keys = _spans(values) * max(1, slot_count) + _numbers(values.column(SLOT))
    order = np.argsort(keys, kind="stable")
    is_first = np.ones(len(values), dtype=np.bool_)
    is_first[1:] = keys[order[1:]] != keys[order[:-1]]
    return order, is_first


def _spans(values: pa.RecordBatch) -> Numbers:
    ids = values.column(SPAN).dictionary_encode()
    return _numbers(ids.indices.fill_null(len(ids.dictionary)))


def _numbers(column: pa.Array) -> Numbers:
    numbers: Numbers = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return numbers


def _equal(these: pa.Array, those: pa.Array) -> pa.Array:
    both_null = pc.and_(these.is_null(), those.is_null())
    return pc.or_(pc.fill_null(pc.equal(these, those), False), both_null)  # noqa: FBT003 - a value


def _note_contradictions(
    values: pa.RecordBatch, later: Numbers, first: Numbers, rows: LongRows, problems: Problems
) -> None:
    number_of_value = _numbers(values.column(ROW))
    earliest = int(np.argmin(number_of_value[later]))
    at, other = int(later[earliest]), int(first[earliest])
    slot = rows.slots[values.column(SLOT)[at].as_py()]
    span_id = values.column(SPAN)[at].as_py()
    word = rows.frame.kind.word
    problems.add(
        "name",
        f"row {number_of_value[other]} gives this {word} of the span another value",
        row_index=int(number_of_value[at]),
        value=f"{slot.name} of {span_id}",
        next_step=_NEXT_STEP,
        rows=len(later),
    )
