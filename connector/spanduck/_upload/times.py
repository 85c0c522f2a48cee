"""Times of any form as nanoseconds since the epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from spanduck.exceptions import ValidationError

if TYPE_CHECKING:
    from spanduck._upload.kernels import Kernels
    from spanduck._upload.problems import Problems

DEFAULT_FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%f+00:00"
"""What texts of times are read with where they are not ISO 8601; the vendor's default."""

_NANOSECONDS: Final = pa.timestamp("ns", tz="UTC")


def to_nanoseconds(
    column: str,
    values: pa.Array,
    *,
    datetime_format: str,
    kernels: Kernels,
    problems: Problems,
    first_row: int,
) -> pa.Array:
    """Return the times as int64 nanoseconds since the epoch, UTC.

    Args:
        column: Name of the column, for problems.
        values: Texts (ISO 8601, else `datetime_format`), timestamps, dates, or numbers of
            nanoseconds. Texts and timestamps without a zone are UTC.
        datetime_format: A `strptime` format.
        kernels: What parses.
        problems: Where texts that are no times, and types that hold none, are noted.
        first_row: Number of the first value within all the data.
    """
    kind = values.type
    if pa.types.is_int64(kind):
        return values
    if pa.types.is_null(kind):
        return values.cast(pa.int64())
    if pa.types.is_string(kind):
        parsed = _parsed(values, datetime_format, kernels)
        problems.add_rows(
            column,
            "the text is no time",
            pc.and_(pc.is_valid(values), pc.is_null(parsed)),
            values,
            first_row=first_row,
            next_step=f"Write ISO 8601, or pass datetime_format (now {datetime_format!r}).",
        )
        return parsed
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return pc.cast(values, pa.int64(), safe=False)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _from_timestamps(column, values, problems, first_row)
    problems.add(
        column,
        f"its type is {kind}, which holds no times",
        next_step="Send timestamps, texts, or integers of nanoseconds.",
    )
    return pa.nulls(len(values), pa.int64())


def _parsed(texts: pa.Array, datetime_format: str, kernels: Kernels) -> pa.Array:
    try:
        return kernels.column("to_nanoseconds", texts, datetime_format)
    except duckdb.InvalidInputException as exc:
        raise ValidationError(
            f"datetime_format {datetime_format!r} is no strptime format: {exc}",
            next_step=f"The default is {DEFAULT_FORMAT!r}.",
        ) from exc


def _from_timestamps(column: str, values: pa.Array, problems: Problems, first_row: int) -> pa.Array:
    try:
        if not (pa.types.is_timestamp(values.type) and values.type.tz):
            return values.cast(pa.timestamp("ns")).cast(pa.int64())
        return values.cast(_NANOSECONDS).cast(pa.int64())
    except pa.ArrowInvalid:
        # Nanoseconds in 64 bits end in 1677 and 2262.
        years = pc.year(values)
        problems.add_rows(
            column,
            "the time does not fit into nanoseconds",
            pc.or_(pc.less(years, 1678), pc.greater(years, 2261)),
            values,
            first_row=first_row,
            next_step="Send times between 1678 and 2261.",
        )
        return pa.nulls(len(values), pa.int64())
