"""Whatever holds rows, as a stream of Arrow record batches of plain types."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from spanduck.exceptions import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

BATCH_ROWS: Final = 40_000
"""Rows of a batch cut from what is in memory already; more rows mean fewer calls of kernels."""
_STREAMED_ROWS: Final = 10_000
"""Rows of a batch that is made for us, and is in memory for us alone."""


# `Any`: rows come as whatever object their library has.
def as_reader(data: Any) -> pa.RecordBatchReader:
    """Return the rows of `data` as a reader, in their order.

    Args:
        data: A pandas DataFrame (converted once, whole), an Arrow table, record batch or reader,
            a DuckDB relation, or any object with `__arrow_c_stream__` or `__arrow_c_array__`.
            Everything but a DataFrame streams. A reader is used up, and closed by whoever reads
            it.

    Returns:
        A reader whose views, large, dictionary and extension types became plain ones
        (`plain_type`). An index of a DataFrame that is not 0, 1, 2, … becomes columns of its
        names.

    Raises:
        ValidationError: `data` is none of these, or a column holds values that Arrow has no
            common type for.
    """
    return plain_reader(_open(data))


def is_frame(data: Any) -> bool:
    """Tell whether `data` is a pandas DataFrame, without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def reset_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with its index as columns, unless it is a plain range; nothing is copied.

    An index level whose name is a column already is dropped, and so is one without a name: it
    numbers rows.
    """
    import pandas as pd  # noqa: PLC0415 - slow to import, and whoever has a frame has it already

    if isinstance(frame.index, pd.RangeIndex):
        return frame
    levels = frame.index.names
    kept = [level for level in levels if level is not None and level not in frame.columns]
    if not kept:
        return frame.reset_index(drop=True)
    dropped = [number for number, level in enumerate(levels) if level not in kept]
    if dropped:
        frame = frame.reset_index(level=dropped, drop=True)
    return frame.reset_index()


def column_array(name: str, values: Any, *, kind: pa.DataType | None = None) -> pa.Array:
    """Convert one column of a frame to Arrow; missing values of any sort become null.

    Raises:
        ValidationError: Arrow has no common type for the values.
    """
    try:
        return pa.array(values, type=kind, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError, UnicodeError) as exc:
        raise ValidationError(
            f"column {name}: its values have no common Arrow type: {exc}",
            next_step="Give all values of the column one type.",
            column=name,
        ) from exc


def plain_reader(reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """Return a reader of the same rows in plain types; the same object if it has them already."""
    schema = pa.schema([field.with_type(plain_type(field.type)) for field in reader.schema])
    if schema.equals(reader.schema.remove_metadata()):
        return reader

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in reader:
            columns = [
                plain_array(column, field.type)
                for column, field in zip(batch.columns, schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type without views, large offsets, dictionaries, run ends and extensions."""
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type)
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return plain_type(kind.value_type)
    if types.is_large_string(kind) or types.is_string_view(kind):
        return pa.string()
    if types.is_large_binary(kind) or types.is_binary_view(kind):
        return pa.binary()
    if _is_any_list(kind):
        return pa.list_(plain_type(kind.value_type))
    if types.is_struct(kind):
        return pa.struct([field.with_type(plain_type(field.type)) for field in kind])
    if types.is_map(kind):
        return pa.map_(plain_type(kind.key_type), plain_type(kind.item_type))
    return kind


def plain_array(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return the column as the plain type `kind`; the same object where it has it already."""
    if column.type.equals(kind):
        return column
    if isinstance(column, pa.ExtensionArray):
        return plain_array(column.storage, kind)
    if pa.types.is_dictionary(column.type):
        return plain_array(column.dictionary_decode(), kind)
    if pa.types.is_struct(kind):
        children = [
            plain_array(child, field.type)
            for child, field in zip(column.flatten(), kind, strict=True)
        ]
        return pa.StructArray.from_arrays(children, fields=list(kind), mask=column.is_null())
    if pa.types.is_list(kind):
        # Not by a cast: that of a list view with nulls makes lists of memory that is not theirs
        # (pyarrow 26).
        values = plain_array(column.flatten(), kind.value_type)
        return list_array(column, values)
    return column.cast(kind)


def list_array(
    like: pa.ListArray, values: pa.Array, *, null_as_empty: bool = False
) -> pa.ListArray:
    """Return lists of new values, as long as those of `like`.

    Args:
        like: Whose lengths and nulls are taken.
        values: What `like.flatten()` became, value by value.
        null_as_empty: Make a null list an empty one.
    """
    mask = None if null_as_empty or not like.null_count else like.is_null()
    lengths = pc.if_else(like.is_valid(), pc.list_value_length(like), 0)
    offsets = pa.concat_arrays(
        [pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())]
    )
    return pa.ListArray.from_arrays(offsets, values, type=pa.list_(values.type), mask=mask)


def _is_any_list(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
        or types.is_list_view(kind)
        or types.is_large_list_view(kind)
    )


def _open(data: Any) -> pa.RecordBatchReader:
    if is_frame(data):
        return _frame_table(data).to_reader(max_chunksize=BATCH_ROWS)
    if isinstance(data, pa.RecordBatchReader):
        return data
    if isinstance(data, pa.Table):
        return data.to_reader(max_chunksize=BATCH_ROWS)
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data]).to_reader(max_chunksize=BATCH_ROWS)
    # A DuckDB relation has `__arrow_c_stream__` as well, but that one collects the whole result
    # first.
    if isinstance(data, duckdb.DuckDBPyRelation):
        return data.to_arrow_reader(_STREAMED_ROWS)
    if hasattr(data, "__arrow_c_stream__"):
        return pa.RecordBatchReader.from_stream(data)
    if hasattr(data, "__arrow_c_array__"):
        batch = pa.record_batch(data)
        return pa.RecordBatchReader.from_batches(batch.schema, iter([batch]))
    raise ValidationError(
        f"a {type(data).__module__}.{type(data).__qualname__} holds no rows that can be read",
        next_step="Pass a DataFrame, an Arrow table or reader, a DuckDB relation, or an object "
        "with __arrow_c_stream__.",
    )


def _frame_table(frame: pd.DataFrame) -> pa.Table:
    frame = reset_index(frame)
    names = [str(name) for name in frame.columns]
    columns = [column_array(name, frame.iloc[:, position]) for position, name in enumerate(names)]
    return pa.Table.from_arrays(columns, names=names)
