"""What the service holds now of the values that a model would write."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._write.arrays import constant
from spanduck._write.rules import NAMES_PER_CALL
from spanduck._write_back.kinds import ANNOTATION, EVAL, METADATA_KIND, SPAN
from spanduck._write_back.lookup import Lookup, among, distinct, open_lookup, pushable_parts
from spanduck._write_back.queries import query
from spanduck_sql.expressions import IsNull, Not, any_of
from spanduck_sql.language.paths import json_path
from spanduck_sql.pushdown import MAX_FILTER_BYTES
from spanduck_sql.schema import (
    ANNOTATION_NOTES,
    JSON_TYPE,
    METADATA,
    SPAN_ID,
    AnnotationColumn,
    EvaluationColumn,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from spanduck._config import Settings
    from spanduck._transport.flight import FlightTransport
    from spanduck_sql.expressions import Predicate

    Long = Callable[[pa.RecordBatch], pa.Table]

HELD_SCHEMA: Final = pa.schema(
    [
        ("span_id", pa.string()),
        ("level", pa.string()),
        ("name", pa.string()),
        ("label", pa.string()),
        ("score", pa.float64()),
        ("body", pa.string()),
    ]
)
"""`body` is the explanation of an evaluation, the text of an annotation or a note, the JSON text of
a metadata value."""

Name = tuple[str, str]
"""The level and the name of a value."""
Columns = list[str | None]
"""Where its label, score and body are; None for what the project lacks."""

_NOTES: Final[Name] = (SPAN, ANNOTATION_NOTES)
# A longer list of tests costs the service more than the spans it keeps back.
_MOST_TESTS: Final = 20
_FIELDS: Final = ("label", "score", "body")
_LISTED_JSON: Final = pa.list_(JSON_TYPE)
_IDS: Final = pa.field(SPAN_ID, pa.string())


def held_values(
    flight: FlightTransport,
    settings: Settings,
    *,
    space: str,
    project: str,
    kind: str,
    names: Sequence[Name],
    span_ids: pa.Array | pa.ChunkedArray | None = None,
) -> Iterator[pa.RecordBatch]:
    """Stream what the service holds under some names, of spans of all times.

    It costs a look at the project's columns and one export for each 32 names, or for all keys of
    metadata, of the span ids and the columns of these names alone; some more where the ids of up to
    500 spans make a long filter. Memory does not grow with the spans, but for the ids that are
    given.

    Args:
        flight: Carries the exports.
        settings: What the service is.
        space: Id of the space.
        project: Name of the project.
        kind: `eval`, `annotation` or `metadata`.
        names: Level and name of each value: `("span", key)` for metadata, `("span",
            "annotation.notes")` for notes. Compared exactly, with their case.
        span_ids: Only of these spans; None for all. Nulls and repeated ones do no harm.

    Returns:
        Batches of `HELD_SCHEMA`, in no order, none empty: a row for each value of which any field
        is there, as it is stored. A note is a value, so notes have a row each, and a span may have
        several. A metadata value is the JSON text that is held, in the spelling of the SQL macro
        `stored_form`: setting `v` changes nothing where it is equal to `stored_form(v)`.

    Raises:
        UnknownProjectError: The service has no such project.
        ValidationError: A score that is held is no number.
        ServiceError: It cannot be asked, or what it sends is not complete.
    """
    wanted = None if span_ids is None else distinct(span_ids)
    if not names or (wanted is not None and not len(wanted)):
        return
    lookup = open_lookup(flight, settings, space=space, project=project)
    for reading in _readings(lookup, kind, list(dict.fromkeys(names))):
        yield from reading.batches(wanted)


class _Reading:
    """One list of columns to export, and how its rows become values.

    Args:
        lookup: The project.
        fields: The columns, without the span ids.
        long: What makes a table of `HELD_SCHEMA` of a batch.
    """

    def __init__(self, lookup: Lookup, fields: Sequence[pa.Field], long: Long) -> None:
        self._lookup = lookup
        self._fields = tuple(fields)
        self._long = long

    def batches(self, wanted: pa.Array | None) -> Iterator[pa.RecordBatch]:
        """Stream the values, only of some spans where they are given."""
        for filter_text, asked in self._filters(wanted):
            for part in self._lookup.read([_IDS, *self._fields], filter_text):
                rows = part
                if asked is not None:
                    rows = part.filter(pc.is_in(part.column(SPAN_ID), value_set=asked))
                values = self._long(rows)
                yield from values.combine_chunks().to_batches() if values.num_rows else ()

    # Each with the ids it is for: a service may send more than it was asked for.
    def _filters(self, wanted: pa.Array | None) -> list[tuple[str, pa.Array | None]]:
        is_there = self._is_there()
        there_text = self._lookup.pushed(is_there)
        name = self._lookup.sql_name(SPAN_ID)
        if wanted is None or name is None:
            return [(there_text, wanted)]
        parts = pushable_parts(wanted, most_bytes=MAX_FILTER_BYTES - len(there_text.encode()))
        if parts is None:
            return [(there_text, wanted)]
        texts = [self._lookup.pushed([*is_there, among(name, part)]) for part in parts]
        return (
            [(there_text, wanted)] if there_text in texts else list(zip(texts, parts, strict=True))
        )

    # A condition that a span has any of the values.
    def _is_there(self) -> list[Predicate]:
        names = [self._lookup.sql_name(item.name) for item in self._fields]
        tests = [Not(IsNull(name)) for name in names if name is not None]
        return [any_of(tests)] if 0 < len(tests) <= _MOST_TESTS else []


def _readings(lookup: Lookup, kind: str, names: Sequence[Name]) -> Iterator[_Reading]:
    """Return what to read for some names; nothing of those that the project lacks."""
    if kind == METADATA_KIND.word:
        if lookup.has(METADATA):
            keys = [name for _, name in names]
            yield _Reading(lookup, [pa.field(METADATA, JSON_TYPE)], _metadata(keys))
        return
    columns_of = {EVAL.word: _evaluation_columns, ANNOTATION.word: _annotation_columns}[kind]
    there: list[tuple[Name, Columns]] = []
    for level, name in names:
        columns = [column if lookup.has(column) else None for column in columns_of(level, name)]
        if any(columns):
            there.append(((level, name), columns))
    # As many as a call writes: a service may join them one by one.
    for start in range(0, len(there), NAMES_PER_CALL):
        columns_by_name = dict(there[start : start + NAMES_PER_CALL])
        yield _Reading(lookup, _fields(columns_by_name.values()), _wide(columns_by_name))
    if kind == ANNOTATION.word and _NOTES in names and lookup.has(ANNOTATION_NOTES):
        yield _Reading(lookup, [pa.field(ANNOTATION_NOTES, _LISTED_JSON)], _notes)


def _evaluation_columns(level: str, name: str) -> tuple[str, ...]:
    fields = ("label", "score", "explanation")
    return tuple(EvaluationColumn(level, name, field).column for field in fields)


def _annotation_columns(_: str, name: str) -> tuple[str, ...]:
    return tuple(AnnotationColumn(name, field).column for field in ("label", "score", "text"))


def _fields(rows: Iterable[Columns]) -> list[pa.Field]:
    types = [HELD_SCHEMA.field(name).type for name in _FIELDS]
    return [
        pa.field(column, kind)
        for columns in rows
        for column, kind in zip(columns, types, strict=True)
        if column is not None
    ]


def _wide(columns_by_name: dict[Name, Columns]) -> Long:
    """Return what makes rows of the columns of evaluations or annotations, by Arrow kernels."""

    def long(rows: pa.RecordBatch) -> pa.Table:
        parts = [_part(rows, name, columns) for name, columns in columns_by_name.items()]
        return pa.Table.from_batches(parts, HELD_SCHEMA)

    return long


def _part(rows: pa.RecordBatch, name: Name, columns: Columns) -> pa.RecordBatch:
    is_there = reduce(
        pc.or_, (rows.column(column).is_valid() for column in columns if column is not None)
    )
    present = rows.filter(is_there)
    count = present.num_rows
    values = [
        pa.nulls(count, HELD_SCHEMA.field(field).type) if column is None else present.column(column)
        for field, column in zip(_FIELDS, columns, strict=True)
    ]
    head = [present.column(SPAN_ID), *(constant(text, count) for text in name)]
    return pa.RecordBatch.from_arrays([*head, *values], schema=HELD_SCHEMA)


def _metadata(keys: Sequence[str]) -> Long:
    pointers = [json_path((key,)) for key in keys]

    def long(rows: pa.RecordBatch) -> pa.Table:
        columns = [rows.column(SPAN_ID), rows.column(METADATA).storage]
        document = pa.table(columns, ["span_id", "document"])
        made = query("held_metadata", document=document, keys=keys, pointers=pointers)
        return made.cast(HELD_SCHEMA)

    return long


def _notes(rows: pa.RecordBatch) -> pa.Table:
    lists = rows.column(ANNOTATION_NOTES)
    ids = rows.column(SPAN_ID).take(pc.list_parent_indices(lists))
    note = pa.table({"span_id": ids, "note": lists.flatten().storage})
    return query("held_notes", note=note, name=ANNOTATION_NOTES).cast(HELD_SCHEMA)
