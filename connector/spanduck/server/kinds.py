"""What an uploaded Arrow column is stored as, and how its values get there.

A value is stored as one of six kinds. Types that have no kind of their own become one of them, and
keep their whole value: times and dates become ISO 8601 text, durations whole nanoseconds, decimals
an integer or a double where that is exact for the type and text otherwise, binary base64 text,
structs, maps and lists of anything but text JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck.server.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

_EXTENSION_KEY: Final = b"ARROW:extension:name"
_KNOWN_EXTENSIONS: Final = frozenset({"arrow.json", "arrow.uuid", "arrow.bool8"})
# A double holds every integer of this many digits, an int64 every one of eighteen.
_EXACT_DOUBLE_DIGITS: Final = 15
_EXACT_INTEGER_DIGITS: Final = 18


class Kind(StrEnum):
    """What a value is, whatever column it lies in. The values are stored in the catalogue."""

    BOOL = "bool"
    INT64 = "int64"
    FLOAT64 = "float64"
    STRING = "string"
    JSON = "json"
    STRING_LIST = "list<string>"

    @property
    def sql_type(self) -> str:
        """The DuckDB type of a physical column of this kind."""
        return _SQL_TYPE_BY_KIND[self]

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type of such a column in an export."""
        return _ARROW_TYPE_BY_KIND[self]


_SQL_TYPE_BY_KIND: Final = {
    Kind.BOOL: "BOOLEAN",
    Kind.INT64: "BIGINT",
    Kind.FLOAT64: "DOUBLE",
    Kind.STRING: "VARCHAR",
    Kind.JSON: "VARCHAR",
    Kind.STRING_LIST: "VARCHAR[]",
}
_ARROW_TYPE_BY_KIND: Final = {
    Kind.BOOL: pa.bool_(),
    Kind.INT64: pa.int64(),
    Kind.FLOAT64: pa.float64(),
    Kind.STRING: pa.string(),
    Kind.JSON: pa.string(),
    Kind.STRING_LIST: pa.list_(pa.string()),
}


class Encoding(StrEnum):
    """What DuckDB still has to do to a column when it is stored."""

    PLAIN = "plain"
    """A cast to the kind's own type."""
    TO_JSON = "to_json"
    BASE64 = "base64"


@dataclass(frozen=True)
class IncomingKind:
    """How a column of an upload is stored.

    Attributes:
        kind: The kind; None when the column holds nothing but nulls by its type.
        encoding: What DuckDB does to its values.
        convert: What an Arrow kernel does to each array first; None for nothing.
        arrow_type: The type after that.
    """

    kind: Kind | None
    arrow_type: pa.DataType
    encoding: Encoding = Encoding.PLAIN
    convert: Callable[[pa.Array], pa.Array] | None = None


def incoming_kind(field: pa.Field) -> IncomingKind:
    """Decide how a column is stored.

    Raises:
        RequestError: The type cannot be stored; names the column and the type.
    """
    refused = _refusal(field)
    if refused is not None:
        raise RequestError(
            f"the column {field.name!r} has the type {refused}, which cannot be stored",
            next_step="Send it as text, as a number, or as JSON text.",
        )
    return _of_type(field.type)


def _of_type(wire: pa.DataType) -> IncomingKind:
    types = pa.types
    if isinstance(wire, pa.BaseExtensionType):
        return _of_extension(wire)
    if types.is_dictionary(wire) or types.is_run_end_encoded(wire):
        inner = _of_type(wire.value_type)
        return _converted(inner, wire.value_type, _decoder(wire))
    if types.is_null(wire):
        return IncomingKind(None, wire)
    if types.is_boolean(wire):
        return IncomingKind(Kind.BOOL, wire)
    if types.is_uint64(wire):
        return IncomingKind(Kind.INT64, pa.int64(), convert=_caster(pa.int64()))
    if types.is_integer(wire):
        return IncomingKind(Kind.INT64, wire)
    if types.is_floating(wire):
        return IncomingKind(Kind.FLOAT64, pa.float64(), convert=_caster(pa.float64()))
    if types.is_decimal(wire):
        return _of_decimal(wire)
    if _is_text(wire):
        return IncomingKind(Kind.STRING, wire)
    if _is_binary(wire):
        return IncomingKind(Kind.STRING, wire, Encoding.BASE64)
    if types.is_duration(wire):
        return IncomingKind(Kind.INT64, pa.int64(), convert=_duration_ns)
    if types.is_temporal(wire):
        return IncomingKind(Kind.STRING, pa.string(), convert=_iso_text)
    if _is_list(wire) and _is_text_like(wire.value_type):
        return IncomingKind(Kind.STRING_LIST, wire)
    return IncomingKind(Kind.JSON, wire, Encoding.TO_JSON)


def _of_extension(wire: pa.BaseExtensionType) -> IncomingKind:
    if wire.extension_name == "arrow.json":
        storage = wire.storage_type
        return IncomingKind(Kind.JSON, storage, convert=lambda array: array.storage)
    # DuckDB reads the other known extensions by itself.
    kind = Kind.BOOL if wire.extension_name == "arrow.bool8" else Kind.STRING
    return IncomingKind(kind, wire)


def _of_decimal(wire: pa.DataType) -> IncomingKind:
    if wire.scale == 0 and wire.precision <= _EXACT_INTEGER_DIGITS:
        return IncomingKind(Kind.INT64, pa.int64(), convert=_caster(pa.int64()))
    if wire.precision <= _EXACT_DOUBLE_DIGITS:
        return IncomingKind(Kind.FLOAT64, pa.float64(), convert=_caster(pa.float64()))
    return IncomingKind(Kind.STRING, pa.string(), convert=_caster(pa.string()))


def _converted(
    inner: IncomingKind, inner_type: pa.DataType, first: Callable[[pa.Array], pa.Array]
) -> IncomingKind:
    then = inner.convert
    arrow_type = inner.arrow_type if then is not None else inner_type
    convert = first if then is None else lambda array: then(first(array))
    return IncomingKind(inner.kind, arrow_type, inner.encoding, convert)


def _decoder(wire: pa.DataType) -> Callable[[pa.Array], pa.Array]:
    if pa.types.is_run_end_encoded(wire):
        return pc.run_end_decode  # type: ignore[no-any-return]
    return lambda array: array.dictionary_decode()


def _caster(to: pa.DataType) -> Callable[[pa.Array], pa.Array]:
    return lambda array: array.cast(to)


def _duration_ns(array: pa.Array) -> pa.Array:
    return array.cast(pa.duration("ns")).cast(pa.int64())


def _iso_text(array: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(array.type) and array.type.tz is not None:
        # Arrow prints a zone other than UTC as local time; in UTC it ends in Z.
        array = array.cast(pa.timestamp(array.type.unit, tz="UTC"))
    return pc.replace_substring(array.cast(pa.string()), " ", "T", max_replacements=1)


def _is_text(wire: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(wire) or pa.types.is_large_string(wire) or pa.types.is_string_view(wire)
    )


def _is_text_like(wire: pa.DataType) -> bool:
    if pa.types.is_dictionary(wire):
        return _is_text(wire.value_type)
    # A list of nothing but empty lists has elements of type null.
    return _is_text(wire) or bool(pa.types.is_null(wire))


def _is_binary(wire: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_binary(wire)
        or types.is_large_binary(wire)
        or types.is_fixed_size_binary(wire)
        or types.is_binary_view(wire)
    )


def _is_list(wire: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_list(wire)
        or types.is_large_list(wire)
        or types.is_fixed_size_list(wire)
        or types.is_list_view(wire)
        or types.is_large_list_view(wire)
    )


def _refusal(field: pa.Field) -> str | None:
    """Return the name of the type at fault in a column, at any depth."""
    wire = field.type
    if isinstance(wire, pa.BaseExtensionType):
        return None if wire.extension_name in _KNOWN_EXTENSIONS else wire.extension_name
    extension = (field.metadata or {}).get(_EXTENSION_KEY)
    if extension is not None:
        # Arrow leaves this mark on columns of extension types it does not know.
        return str(extension.decode(errors="replace"))
    types = pa.types
    if types.is_union(wire) or types.is_interval(wire) or types.is_decimal256(wire):
        return str(wire)
    for index in range(wire.num_fields):
        inner = _refusal(wire.field(index))
        if inner is not None:
            return f"{wire} (in it {inner})" if inner != str(wire) else inner
    if types.is_dictionary(wire) or types.is_run_end_encoded(wire):
        return _refusal(pa.field(field.name, wire.value_type))
    return None
