"""Exports of a few columns that look something up, as narrow as the service can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._export.request import ExportRequest
from spanduck._scan import schema_cache
from spanduck._scan.decode import Decoder
from spanduck._scan.stream import ScanStream
from spanduck_sql.expressions import In, Literal
from spanduck_sql.language.printer import to_text
from spanduck_sql.plan import wire_name
from spanduck_sql.pushdown import MAX_FILTER_BYTES, Window, push_down

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from spanduck._config import Settings
    from spanduck._scan.stream import MakeTransform
    from spanduck._transport.flight import FlightTransport
    from spanduck_sql.expressions import Predicate

MOST_PUSHED: Final = 500
"""A longer list of texts is not sent: they are looked for in what comes."""

# Of one text in a filter beside its own bytes: quotes, a comma and a space.
_AROUND_TEXT: Final = 4
# The column, and what joins the list to other conditions.
_AROUND_LIST: Final = 512
_PART_ROWS: Final = 32_768
_PART_BYTES: Final = 8 << 20


@dataclass(frozen=True)
class Lookup:
    """One project, and how to read some columns of it. Made by `open_lookup`.

    Attributes:
        flight: Carries the exports; stays open as long as this.
        settings: For the limits of a wait, and what a filter may hold.
        space: Id of the space.
        project: Name of the project.
        declared: The project's columns in SQL, which know their exact names.
    """

    flight: FlightTransport
    settings: Settings
    space: str
    project: str
    declared: pa.Schema

    def has(self, column: str) -> bool:
        """Whether the project has a column of an exact name."""
        return column in self._sql_name_by_column

    def sql_name(self, column: str) -> str | None:
        """Return what a column of an exact name is called in a predicate; None where it is not."""
        return self._sql_name_by_column.get(column)

    @cached_property
    def _sql_name_by_column(self) -> dict[str, str]:
        return {wire_name(item): item.name for item in self.declared}

    def pushed(self, conjuncts: Iterable[Predicate]) -> str:
        """Return a filter that loses no row for which all `conjuncts` are true; '' for none."""
        mode = self.settings.local.pushdown
        made = push_down(conjuncts, Window(), schema=self.declared, mode=mode).filter
        return "" if made is None else to_text(made)

    def read(self, fields: Sequence[pa.Field], filter_text: str = "") -> Iterator[pa.RecordBatch]:
        """Stream columns of the spans of all times, in parts of some 8 MB; one export.

        A service that refuses the filter is asked again without it, so rows must be looked at.

        Args:
            fields: Exact names of the columns, and the types wanted. What the project lacks is
                null.
            filter_text: Only spans for which it is true; all of them where it is empty.

        Raises:
            ValidationError: A value does not fit its type; it names the column.
            Error: As `ScanStream`.
        """
        schema = pa.schema(list(fields))

        def decoded(wire: pa.Schema) -> Callable[[pa.RecordBatch], pa.RecordBatch]:
            decoder = Decoder(wire, fields)
            return lambda batch: pa.RecordBatch.from_arrays(
                [decoder.column(batch, item) for item in fields], schema=schema
            )

        with self._stream(schema.names, filter_text, decoded) as stream:
            yield from _in_parts(stream)

    def _stream(
        self, columns: Sequence[str], filter_text: str, transform: MakeTransform
    ) -> ScanStream:
        request = ExportRequest(self.project, self.space, columns=columns, where=filter_text)
        unfiltered = ExportRequest(self.project, self.space, columns=columns)
        local = self.settings.local
        return ScanStream(
            self.flight,
            request.command(),
            # What is missing here would be sent anew, or be told to be unknown.
            completeness="strict",
            read_timeout_s=local.read_timeout_s,
            cancel=self.flight.cancel,
            transform=transform,
            fallback=unfiltered.command() if filter_text else None,
        )


def open_lookup(flight: FlightTransport, settings: Settings, *, space: str, project: str) -> Lookup:
    """Ask for a project's columns as they are now, and return what reads them; see `Lookup`.

    Raises:
        UnknownProjectError: The service has no such project.
        ServiceError: It cannot be asked.
    """
    # One that is remembered may lack what was written since.
    schema_cache.drop(settings.service.flight_location, space, project, home=settings.local.home)
    schema = schema_cache.project_schema(settings, flight, space=space, project=project)
    return Lookup(flight, settings, space, project, schema.declared)


def among(column: str, texts: pa.Array) -> In:
    """Return the predicate that a column, called as in SQL, is one of some texts."""
    return In(column, tuple(Literal(text, "VARCHAR") for text in texts.to_pylist()))


def pushable_parts(texts: pa.Array, *, most_bytes: int = MAX_FILTER_BYTES) -> list[pa.Array] | None:
    """Return texts in parts that each fit into one filter; None where there are too many.

    Args:
        texts: At least one, none of them null.
        most_bytes: What a part may take of a filter.
    """
    if len(texts) > MOST_PUSHED:
        return None
    longest = pc.max(pc.binary_length(texts)).as_py() + _AROUND_TEXT
    room = (most_bytes - _AROUND_LIST) // longest
    if room < 1:
        return None
    return [texts.slice(start, room) for start in range(0, len(texts), room)]


def distinct(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return the different texts among some, as one array without nulls."""
    return texts.cast(pa.string()).unique().drop_null()


# Parts rather than batches: whoever looks at them does something for each that costs the same for a
# thousand rows as for many.
def _in_parts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    kept: list[pa.RecordBatch] = []
    rows = size_bytes = 0
    for batch in batches:
        kept.append(batch)
        rows += batch.num_rows
        size_bytes += batch.nbytes
        if rows >= _PART_ROWS or size_bytes >= _PART_BYTES:
            yield pa.concat_batches(kept)
            kept, rows, size_bytes = [], 0, 0
    if kept:
        yield pa.concat_batches(kept)
