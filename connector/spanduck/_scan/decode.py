"""Wire columns as SQL columns, batch by batch; what has its type already is not copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._scan import kernels
from spanduck._scan.scalars import array, scalar
from spanduck._wire import JSON_VALID, JSON_VALID_FIELD_KEY
from spanduck.exceptions import ValidationError
from spanduck_sql.plan import wire_name
from spanduck_sql.schema import END_TIME, JSON_TYPE, START_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Convert = Callable[[pa.Array], pa.Array]

_JSON_LIST: Final = pa.list_(JSON_TYPE)
_US_UTC: Final = pa.timestamp("us", tz="UTC")
_THOUSAND: Final = scalar(1_000, pa.int64())
_ZERO: Final = scalar(0, pa.int64())
_NANOSECOND_COLUMNS: Final = frozenset({START_TIME, END_TIME})
"""Integer times on the wire are nanoseconds here, and milliseconds elsewhere (`….updated_at`)."""


class Decoder:
    """Turns batches of one wire schema into columns of SQL types.

    Built once for each stream, when its schema is known: which conversion a column needs does not
    change from batch to batch. Used by one thread.

    Args:
        wire: The stream's schema. Columns that nobody asked for are ignored.
        fields: The columns wanted, with their SQL types; those the stream lacks are NULL.
    """

    def __init__(self, wire: pa.Schema, fields: Sequence[pa.Field]) -> None:
        self._fields = tuple(fields)
        self._sources: dict[str, tuple[int, Convert | None]] = {}
        self._nulls: dict[tuple[pa.DataType, int], pa.Array] = {}
        for item in fields:
            name = wire_name(item)
            index = wire.get_field_index(name)
            if index >= 0:
                self._sources[item.name] = (index, self._conversion(name, wire.field(index), item))

    def column(self, batch: pa.RecordBatch, field: pa.Field) -> pa.Array:
        """Return one column of `batch` in its SQL type.

        Raises:
            ValidationError: A value does not fit the type; it names the column.
        """
        source = self._sources.get(field.name)
        if source is None:
            return self._null_column(field.type, batch.num_rows)
        index, convert = source
        values = batch.column(index)
        if convert is None:
            return values
        if values.null_count == len(values):
            return self._null_column(field.type, batch.num_rows)
        try:
            return convert(values)
        except (pa.ArrowException, ValueError) as exc:
            raise ValidationError(
                f"column {field.name!r} holds a value that is no {_type_name(field.type)}: {exc}",
                next_step="Leave the column out (columns := …), or mend the value at its source.",
                column=field.name,
            ) from exc

    # Most columns are empty in most batches of some projects; their nulls are made once.
    def _null_column(self, kind: pa.DataType, rows: int) -> pa.Array:
        key = (kind, rows)
        if key not in self._nulls:
            if len(self._nulls) > 64:  # batches of many different lengths
                self._nulls.clear()
            self._nulls[key] = _nulls(kind, rows)
        return self._nulls[key]

    def _conversion(self, name: str, wire: pa.Field, field: pa.Field) -> Convert | None:
        is_json = (wire.metadata or {}).get(JSON_VALID_FIELD_KEY) == JSON_VALID
        return _conversion(wire.type, field.type, name, is_json=is_json)


def _conversion(wire: pa.DataType, sql: pa.DataType, name: str, *, is_json: bool) -> Convert | None:
    if wire == sql:
        return None
    types = pa.types
    if types.is_null(wire):
        return lambda values: _nulls(sql, len(values))
    if types.is_dictionary(wire):
        return _after_cast(wire, wire.value_type, sql, name, is_json=is_json)
    if isinstance(wire, pa.BaseExtensionType):
        inner = _conversion(wire.storage_type, sql, name, is_json=is_json)
        return (lambda values: values.storage) if inner is None else lambda v: inner(v.storage)
    if types.is_large_string(wire) or types.is_string_view(wire):
        return _after_cast(wire, pa.string(), sql, name, is_json=is_json)
    if sql == JSON_TYPE:
        return _to_json(wire, is_json=is_json)
    if sql == _JSON_LIST:
        return _to_json_list(wire, is_json=is_json)
    if types.is_timestamp(sql):
        return _to_timestamp(wire, sql, name)
    if types.is_int64(sql) and types.is_floating(wire):
        return _whole_numbers
    if types.is_floating(sql):
        # As SQL casts: the nearest double.
        return lambda values: pc.cast(values, sql, safe=False)
    if types.is_string(sql) and types.is_nested(wire):
        return kernels.to_json
    return lambda values: pc.cast(values, sql)


def _after_cast(
    wire: pa.DataType,
    plain: pa.DataType,
    sql: pa.DataType,
    name: str,
    *,
    is_json: bool,
) -> Convert:
    then = None if plain == wire else _conversion(plain, sql, name, is_json=is_json)

    def convert(values: pa.Array) -> pa.Array:
        casted = pc.cast(values, plain)
        return casted if then is None else then(casted)

    return convert


def _to_json(wire: pa.DataType, *, is_json: bool) -> Convert:
    if not pa.types.is_string(wire):
        return lambda values: _as_json_type(kernels.to_json(values))
    if is_json:
        return _as_json_type
    return lambda values: _as_json_type(_checked(values))


def _to_json_list(wire: pa.DataType, *, is_json: bool) -> Convert:
    types = pa.types
    if types.is_string(wire):
        # One text for the whole list; the mark says no more than that it is JSON.
        return lambda values: _relisted(kernels.as_json_list(values), _as_json_type)
    if not types.is_list(wire):
        if types.is_large_list(wire) or types.is_list_view(wire) or types.is_large_list_view(wire):
            plain = pa.list_(wire.value_type)
            then = _to_json_list(plain, is_json=is_json)
            return lambda values: then(_plain_lists(values))
        return lambda values: _relisted(
            kernels.as_json_list(kernels.to_json(values)), _as_json_type
        )
    element = wire.value_type
    if types.is_large_string(element) or types.is_string_view(element):
        then = _to_json_list(pa.list_(pa.string()), is_json=is_json)
        return lambda values: then(pc.cast(values, pa.list_(pa.string())))
    inner = _to_json(element, is_json=is_json)
    return lambda values: _relisted(values, inner)


def _checked(texts: pa.Array) -> pa.Array:
    return texts if kernels.are_json(texts) else kernels.as_json(texts)


def _as_json_type(texts: pa.Array) -> pa.Array:
    return pa.ExtensionArray.from_storage(JSON_TYPE, texts)


# Cast, a list view with a null comes out invalid, and reading it ends the process (pyarrow 26).
def _plain_lists(values: pa.Array) -> pa.ListArray:
    lengths = pc.fill_null(pc.list_value_length(values), _ZERO)
    ends = pc.cumulative_sum(lengths).cast(pa.int32())
    offsets = pa.concat_arrays([array([0], pa.int32()), ends])
    return pa.ListArray.from_arrays(offsets, values.flatten(), mask=pc.is_null(values))


def _relisted(lists: pa.ListArray, convert: Convert) -> pa.Array:
    # From the buffers: `from_arrays` would copy the offsets of a slice, and lose the nulls.
    return pa.Array.from_buffers(
        _JSON_LIST,
        len(lists),
        lists.buffers()[:2],
        lists.null_count,
        lists.offset,
        children=[convert(lists.values)],
    )


def _to_timestamp(wire: pa.DataType, sql: pa.DataType, name: str) -> Convert:
    types = pa.types
    if types.is_integer(wire):
        if name in _NANOSECOND_COLUMNS:
            return lambda values: _floored(pc.cast(values, pa.int64())).view(sql)
        return lambda values: pc.multiply_checked(pc.cast(values, pa.int64()), _THOUSAND).view(sql)
    if types.is_timestamp(wire):
        if wire.unit == "ns":
            return lambda values: _floored(values.view(pa.int64())).view(sql)
        micros = pa.timestamp("us", tz=wire.tz)
        # Viewed, not cast: a zone names no other instant, and a naive time is UTC.
        return lambda values: pc.cast(values, micros).view(pa.int64()).view(sql)
    if types.is_floating(wire) and name in _NANOSECOND_COLUMNS:
        return lambda values: _floored(pc.cast(values, pa.int64(), safe=False)).view(sql)
    return lambda values: pc.cast(values, sql)


def _floored(nanoseconds: pa.Array) -> pa.Array:
    """Microseconds below: Arrow divides towards zero, which before 1970 is upwards."""
    quotient = pc.divide(nanoseconds, _THOUSAND)
    smallest = pc.min(nanoseconds).as_py()
    if smallest is None or smallest >= 0:
        return quotient
    is_above = pc.less(nanoseconds, pc.multiply(quotient, _THOUSAND))
    return pc.subtract(quotient, pc.cast(is_above, pa.int64()))


def _whole_numbers(values: pa.Array) -> pa.Array:
    # Counts that passed through pandas are doubles, with NaN for none.
    return pc.cast(pc.if_else(pc.is_nan(values), pa.nulls(1, values.type)[0], values), pa.int64())


def _nulls(kind: pa.DataType, rows: int) -> pa.Array:
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, pa.nulls(rows, kind.storage_type))
    return pa.nulls(rows, kind)


_SQL_NAMES: Final = {
    pa.int64(): "BIGINT",
    pa.uint64(): "UBIGINT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.binary(): "BLOB",
    pa.date32(): "DATE",
    _US_UTC: "TIMESTAMPTZ",
    JSON_TYPE: "JSON",
    _JSON_LIST: "JSON[]",
    pa.list_(pa.string()): "VARCHAR[]",
}


def _type_name(kind: pa.DataType) -> str:
    return _SQL_NAMES.get(kind, str(kind))
