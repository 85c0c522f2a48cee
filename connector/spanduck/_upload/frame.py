"""A pandas DataFrame of spans as an Arrow table, in which dictionaries are JSON text already.

Arrow would make a struct of a dictionary, with a null for each key it lacks; so the columns that
hold dictionaries by the protocol are encoded here, from the Python objects.
"""

from __future__ import annotations

from datetime import datetime
from itertools import chain, compress, repeat
from operator import not_
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._upload.arrow_input import column_array, plain_array, plain_type, reset_index
from spanduck._upload.json_text import encode_objects
from spanduck.exceptions import ValidationError
from spanduck_sql.schema import UPLOAD_COLUMN_BY_NAME, ColumnKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from spanduck._upload.problems import Problems

_TEXTS: Final = pa.list_(pa.string())
_UTC_NANOSECONDS: Final = pa.timestamp("ns", tz="UTC")


def frame_table(
    frame: pd.DataFrame, keep: Callable[[str], bool], problems: Problems
) -> tuple[pa.Table, list[str]]:
    """Return the columns of a frame as an Arrow table; the frame is not changed.

    Args:
        frame: Spans. Its index becomes columns, unless it only numbers the rows.
        keep: Whether a column is wanted; the others are not converted.
        problems: Where values of a wrong type are noted.

    Returns:
        A table in which DICT columns are `string`, LIST_DICT columns `list<string>` (null lists
        empty), times whatever Arrow makes of them, and all others as Arrow infers them; and the
        names of all columns of the frame.

    Raises:
        ValidationError: Two columns of one name, or values that Arrow has no type for.
    """
    frame = reset_index(frame)
    # A column may be called 0; a name on the wire is text.
    names = [str(name) for name in frame.columns]
    columns: dict[str, pa.Array] = {}
    for position, name in enumerate(names):
        if not keep(name):
            continue
        if name in columns:
            raise ValidationError(
                f"{problems.what} has two columns called {name!r}",
                next_step="Rename or drop one of them.",
                column=name,
            )
        columns[name] = _column(name, frame.iloc[:, position], problems)
    return pa.table(columns), names


def _column(name: str, values: pd.Series[Any], problems: Problems) -> pa.Array:
    known = UPLOAD_COLUMN_BY_NAME.get(name)
    kind = known.kind if known is not None else None
    try:
        if values.dtype == object and kind is ColumnKind.DICT:
            return _objects(name, values.tolist(), problems)
        if values.dtype == object and kind is ColumnKind.LIST_DICT:
            return _object_lists(name, values.tolist(), problems)
        if values.dtype == object and kind is ColumnKind.TIMESTAMP:
            return _times(name, values.tolist())
        array = column_array(name, values)
    except ValidationError as exc:
        problems.add(name, exc.message.removeprefix(f"column {name}: "), next_step=exc.next_step)
        return pa.nulls(len(values))
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return plain_array(array, plain_type(array.type))


def _objects(name: str, cells: list[Any], problems: Problems) -> pa.Array:
    is_object = list(map(isinstance, cells, repeat(dict)))
    rows = list(compress(range(len(cells)), map(not_, is_object)))
    texts = _texts(name, list(compress(cells, map(not_, is_object))), rows, problems)
    if not any(is_object):
        return texts
    encoded = _encoded(name, list(compress(cells, is_object)), is_object, None, problems)
    return _merged(is_object, encoded, texts)


def _texts(name: str, cells: list[Any], rows: list[int], problems: Problems) -> pa.Array:
    """Take what is no dictionary: missing values, and JSON text as our own exports have it."""
    is_text = pa.array(map(isinstance, cells, repeat(str)), pa.bool_())
    wrong = pc.and_not(pc.invert(is_text), _is_missing(cells))
    _note_wrong(
        name, "the value is no dictionary", wrong, cells, row_indices=rows, problems=problems
    )
    return column_array(name, _only(is_text, cells, None), kind=pa.string())


def _object_lists(name: str, cells: list[Any], problems: Problems) -> pa.Array:
    import numpy as np  # noqa: PLC0415 - whoever has a frame has it

    is_list = pa.array(map(isinstance, cells, repeat((list, tuple, np.ndarray))), pa.bool_())
    if is_list.true_count < len(cells):
        wrong = pc.and_not(pc.invert(is_list), _is_missing(cells))
        rule = "the value is no list of dictionaries"
        everywhere = range(len(cells))
        _note_wrong(name, rule, wrong, cells, row_indices=everywhere, problems=problems)
    lists = _only(is_list, cells, ())
    lengths = pa.array(map(len, lists), pa.int32())
    values = _elements(name, list(chain.from_iterable(lists)), lengths, problems)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths)])
    return pa.ListArray.from_arrays(offsets, values, type=_TEXTS)


def _elements(name: str, elements: list[Any], lengths: pa.Array, problems: Problems) -> pa.Array:
    if not elements:
        return pa.array([], pa.string())
    is_object = list(map(isinstance, elements, repeat(dict)))
    if all(is_object):
        return _encoded(name, elements, None, lengths, problems)
    is_text = pa.array(map(isinstance, elements, repeat(str)), pa.bool_())
    wrong = pc.invert(pc.or_(is_text, pa.array(is_object, pa.bool_())))
    if wrong.true_count:
        element = wrong.index(True).as_py()
        problems.add(
            name,
            "an element is no dictionary",
            row_index=_row_of(element, lengths),
            value=elements[element],
            next_step="Send lists of dictionaries.",
            rows=wrong.true_count,
        )
        return pa.nulls(len(elements), pa.string())
    objects = list(compress(elements, is_object))
    texts = list(compress(elements, map(not_, is_object)))
    return _merged(
        is_object,
        _encoded(name, objects, None, None, problems),
        column_array(name, texts, kind=pa.string()),
    )


def _encoded(
    name: str,
    objects: list[dict[Any, Any]],
    is_object: list[bool] | None,
    lengths: pa.Array | None,
    problems: Problems,
) -> pa.Array:
    if not all(map(issubclass, set(map(type, chain.from_iterable(objects))), repeat(str))):
        at = next(i for i, d in enumerate(objects) if not all(isinstance(key, str) for key in d))
        problems.add(
            name,
            "a dictionary has a key that is no text",
            row_index=_row(at, is_object, lengths),
            value=objects[at],
            next_step="Make its keys texts.",
        )
    try:
        return encode_objects(objects)
    except (TypeError, ValueError) as exc:
        at = _first_that_fails(objects)
        problems.add(
            name,
            f"a dictionary cannot be written as JSON ({exc})",
            row_index=_row(at, is_object, lengths),
            value=objects[at],
            next_step="Convert its values to texts, numbers, booleans, lists and dictionaries.",
        )
        return pa.nulls(len(objects), pa.string())


def _first_that_fails(objects: list[dict[Any, Any]]) -> int:
    # Only after a failure, so that it can be named: halve the objects until one is left.
    low, high = 0, len(objects)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            encode_objects(objects[low:middle])
        except (TypeError, ValueError):
            high = middle
        else:
            low = middle
    return low


def _times(name: str, cells: list[Any]) -> pa.Array:
    is_text = list(map(isinstance, cells, repeat(str)))
    others = list(compress(cells, map(not_, is_text)))
    if all(map(isinstance, others, repeat(datetime | None))):
        # Without this type Arrow would cut a pandas Timestamp to microseconds.
        times = column_array(name, others, kind=_UTC_NANOSECONDS)
    else:
        times = column_array(name, others)
    if not any(is_text):
        return times
    # Texts and other sorts side by side: times have a text that is read back exactly.
    texts = column_array(name, list(compress(cells, is_text)), kind=pa.string())
    if times.null_count < len(times):
        times = pc.strftime(times.cast(_UTC_NANOSECONDS), format="%Y-%m-%dT%H:%M:%SZ")
    return _merged(is_text, texts, times.cast(pa.string()))


def _is_missing(cells: list[Any]) -> pa.Array:
    """Tell which cells hold nothing: None, NaN, NaT, NA."""
    import pandas as pd  # noqa: PLC0415 - slow to import, and whoever has a frame has it already

    return pa.array(pd.Series(cells, dtype=object).isna(), pa.bool_())


def _note_wrong(
    name: str,
    rule: str,
    wrong: pa.Array,
    cells: list[Any],
    *,
    row_indices: Sequence[int],
    problems: Problems,
) -> None:
    if wrong.true_count:
        row = wrong.index(True).as_py()
        problems.add(
            name,
            rule,
            row_index=row_indices[row],
            value=cells[row],
            next_step="Send Python dictionaries with texts as keys.",
            rows=wrong.true_count,
        )


def _only(wanted: pa.Array, cells: list[Any], other: Any) -> list[Any]:
    """Return the cells, with `other` in place of those that are not wanted."""
    if wanted.true_count == len(cells):
        return cells
    positions = pc.if_else(wanted, pa.array(range(1, len(cells) + 1)), 0).to_pylist()
    return list(map((other, *cells).__getitem__, positions))


def _merged(choice: list[bool], when_true: pa.Array, when_false: pa.Array) -> pa.Array:
    """Return one array in the original order out of the two that `choice` split it into."""
    mask = pa.array(choice, pa.bool_())
    true_rank = pc.cumulative_sum(mask.cast(pa.int64()))
    false_rank = pc.cumulative_sum(pc.invert(mask).cast(pa.int64()))
    position = pc.if_else(mask, pc.subtract(true_rank, 1), pc.add(false_rank, len(when_true) - 1))
    return pa.concat_arrays([when_true, when_false]).take(position)


def _row(at: int, is_object: list[bool] | None, lengths: pa.Array | None) -> int | None:
    if is_object is not None:
        rows = compress(range(len(is_object)), is_object)
        return next(row for number, row in enumerate(rows) if number == at)
    return _row_of(at, lengths) if lengths is not None else None


def _row_of(element: int, lengths: pa.Array) -> int:
    """Return the row of a list's element, by its number among the elements of all rows."""
    row: int = pc.index(pc.greater(pc.cumulative_sum(lengths), element), True).as_py()
    return row
