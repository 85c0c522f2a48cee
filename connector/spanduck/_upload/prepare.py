"""Spans in the caller's Arrow types, made into what the wire carries."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._upload.arrow_input import list_array
from spanduck._upload.columns import is_sent
from spanduck._upload.json_text import encode_struct_lists, encode_structs
from spanduck._upload.notices import warn
from spanduck._upload.times import to_nanoseconds
from spanduck.exceptions import ValidationError
from spanduck_sql.schema import (
    SPAN_KIND,
    UPLOAD_COLUMN_BY_NAME,
    UPLOAD_SPAN_KIND,
    ColumnKind,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spanduck._upload.kernels import Kernels
    from spanduck._upload.problems import Problems

_TEXTS: Final = pa.list_(pa.string())


class Preparation:
    """How batches of one schema become batches of the wire.

    Args:
        schema: Of the batches that will be given, in plain types.
        datetime_format: What texts of times are read with where they are not ISO 8601.
        kernels: What encodes and parses.
        problems: Where values and types that cannot be sent are noted.
        validate: Whether a column of a type that its name does not allow is a problem; if not, it
            is sent as it is, like a column of unknown name.

    Attributes:
        schema: Of the prepared batches: `string` for text and DICT columns, `list<string>`
            without nulls for LIST_DICT columns, int64 nanoseconds for times, numbers, booleans
            and further attributes as they are, in the order of the input.
    """

    def __init__(
        self,
        schema: pa.Schema,
        *,
        datetime_format: str,
        kernels: Kernels,
        problems: Problems,
        validate: bool,
    ) -> None:
        self._datetime_format = datetime_format
        self._kernels = kernels
        self._problems = problems
        self._validate = validate
        _refuse_duplicates(schema, problems.what)
        has_kind = SPAN_KIND in schema.names
        steps: list[tuple[int, pa.Field, _Step]] = []
        for position, field in enumerate(schema):
            if not is_sent(field.name):
                continue
            name = field.name
            if name == UPLOAD_SPAN_KIND and not has_kind:
                name = SPAN_KIND
                problems.given_names[SPAN_KIND] = UPLOAD_SPAN_KIND
            step, kind = self._step(field.name, field.type)
            steps.append((position, pa.field(name, kind), step))
        self._steps = steps
        self.schema = pa.schema([field for _, field, _ in steps])

    def batch(self, batch: pa.RecordBatch, first_row: int) -> pa.RecordBatch:
        """Prepare a batch; columns that need nothing are passed on as they are.

        Args:
            batch: Of the schema this was made for.
            first_row: Number of its first row within all the data.
        """
        columns = [step(batch.column(position), first_row) for position, _, step in self._steps]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _step(self, name: str, kind: pa.DataType) -> tuple[_Step, pa.DataType]:
        known = UPLOAD_COLUMN_BY_NAME.get(SPAN_KIND if name == UPLOAD_SPAN_KIND else name)
        if known is None:
            return _as_it_is, kind
        types = pa.types
        if known.kind is ColumnKind.TIMESTAMP:
            return self._time_step(name, kind), pa.int64()
        if known.kind is ColumnKind.LIST_DICT:
            return self._list_step(name, kind)
        if known.kind is ColumnKind.DICT and (types.is_struct(kind) or types.is_map(kind)):
            return (lambda column, _: encode_structs(column, self._kernels)), pa.string()
        if known.kind is ColumnKind.NUMERIC and types.is_decimal(kind):
            # Sums of integers are decimals in many databases.
            number = pa.int64() if kind.scale == 0 else pa.float64()
            return (lambda column, _: self._number(name, column, number)), number
        self._check(name, known.kind, kind)
        return _as_it_is, kind

    def _time_step(self, name: str, kind: pa.DataType) -> _Step:
        if self._validate and pa.types.is_floating(kind):
            # They hold no nanoseconds of today.
            self._wrong_type(name, kind, "timestamps, texts, or integers of nanoseconds")
        if pa.types.is_timestamp(kind) and kind.tz is None and (time.timezone or time.daylight):
            # The vendor's SDK reads them in the local zone, but writes UTC without a zone in its
            # exports.
            warn(f"{name} has no time zone and is read as UTC, not in the local zone.")

        def step(column: pa.Array, first_row: int) -> pa.Array:
            return to_nanoseconds(
                name,
                column,
                datetime_format=self._datetime_format,
                kernels=self._kernels,
                problems=self._problems,
                first_row=first_row,
            )

        return step

    def _list_step(self, name: str, kind: pa.DataType) -> tuple[_Step, pa.DataType]:
        types = pa.types
        if types.is_null(kind):
            return (lambda column, _: _empty_lists(len(column))), _TEXTS
        if types.is_string(kind):
            return (lambda column, first_row: self._split(name, column, first_row)), _TEXTS
        if types.is_list(kind):
            element = kind.value_type
            if types.is_string(element) or types.is_null(element):
                return (lambda column, _: _without_null_lists(column)), _TEXTS
            if types.is_struct(element) or types.is_map(element):
                return (lambda column, _: encode_struct_lists(column, self._kernels)), _TEXTS
        if self._validate:
            self._wrong_type(name, kind, "lists of dictionaries, or of their JSON texts")
        return _as_it_is, kind

    def _split(self, name: str, column: pa.Array, first_row: int) -> pa.Array:
        lists = self._kernels.column("split_list", column)
        self._problems.add_rows(
            name,
            "the text is no JSON list",
            pc.and_(pc.is_null(lists), pc.and_(pc.is_valid(column), pc.not_equal(column, ""))),
            column,
            first_row=first_row,
            next_step="Send lists of dictionaries, or of their JSON texts.",
        )
        return _without_null_lists(lists)

    def _number(self, name: str, column: pa.Array, kind: pa.DataType) -> pa.Array:
        try:
            return column.cast(kind)
        except pa.ArrowInvalid as exc:
            raise ValidationError(
                f"column {name}: a {column.type} does not fit into {kind}: {exc}",
                next_step=f"Cast the column to {kind} or a double.",
                column=name,
            ) from exc

    def _check(self, name: str, wanted: ColumnKind, kind: pa.DataType) -> None:
        types = pa.types
        if not self._validate or types.is_null(kind):
            return
        if wanted is ColumnKind.NUMERIC:
            if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
                self._wrong_type(name, kind, "integers or doubles")
        elif wanted is ColumnKind.BOOL:
            if not types.is_boolean(kind):
                self._wrong_type(name, kind, "booleans")
        elif not types.is_string(kind):
            words = {ColumnKind.DICT: "dictionaries", ColumnKind.JSON: "JSON texts"}
            self._wrong_type(name, kind, words.get(wanted, "texts"))

    def _wrong_type(self, name: str, kind: pa.DataType, wanted: str) -> None:
        self._problems.add(name, f"its type is {kind}", next_step=f"Send {wanted}.")


if TYPE_CHECKING:
    _Step = Callable[[pa.Array, int], pa.Array]


def cut(batch: pa.RecordBatch, *, rows: int, size_bytes: int) -> Iterator[pa.RecordBatch]:
    """Yield slices of at most so many rows and, but for single rows, bytes; nothing is copied."""
    for start in range(0, batch.num_rows, rows):
        piece = batch.slice(start, rows)
        if piece.nbytes <= size_bytes or piece.num_rows == 1:
            yield piece
        else:
            yield from cut(piece, rows=(piece.num_rows + 1) // 2, size_bytes=size_bytes)


def _as_it_is(column: pa.Array, _: int) -> pa.Array:
    return column


def _empty_lists(rows: int) -> pa.Array:
    offsets = pa.repeat(pa.scalar(0, pa.int32()), rows + 1)
    return pa.ListArray.from_arrays(offsets, pa.array([], pa.string()), type=_TEXTS)


def _without_null_lists(lists: pa.Array) -> pa.Array:
    if not lists.null_count and lists.type.equals(_TEXTS):
        return lists
    return list_array(lists, lists.flatten().cast(pa.string()), null_as_empty=True)


def _refuse_duplicates(schema: pa.Schema, what: str) -> None:
    names = schema.names
    if len(set(names)) < len(names):
        name = next(name for name in names if names.count(name) > 1)
        raise ValidationError(
            f"{what} has two columns called {name!r}",
            next_step="Rename or drop one of them.",
            column=name,
        )
