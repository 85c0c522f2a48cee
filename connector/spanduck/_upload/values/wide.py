"""The wide shape: a row is a span, a column one field of one evaluation or annotation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from spanduck._upload.values.check import Given, check_text, check_type, sent_values
from spanduck._upload.values.kinds import UPDATED_BY, ValueColumn, ValueKind
from spanduck._upload.values.notes import NOTES_TYPE, check_notes, wrapped_notes
from spanduck_sql.schema import SPAN_ID

if TYPE_CHECKING:
    from spanduck._upload.problems import Problems
    from spanduck._upload.values.check import ValueChecks


@dataclass(frozen=True)
class WideFrame:
    """The columns of a wide frame that are sent, and those that are added to them.

    Attributes:
        kind: What its values are.
        span_id: Position of the span ids.
        columns: Which fields are where.
        notes: Position of the notes; None without.
    """

    kind: ValueKind
    span_id: int
    columns: dict[int, ValueColumn]
    notes: int | None = None

    @property
    def added(self) -> list[ValueColumn]:
        """Who and when, where the frame does not tell and says anything."""
        return added_columns(self.kind, list(self.columns.values()))

    def schema(self) -> pa.Schema:
        """Return the names and types that the rows are sent with."""
        columns = [*self.columns.values(), *self.added]
        return sent_schema(self.kind, columns, has_notes=self.notes is not None)

    def check_types(self, schema: pa.Schema, problems: Problems) -> None:
        """Note columns of a type that cannot be right."""
        for at in (self.span_id, self.notes):
            if at is not None:
                check_text(schema.field(at), problems)
        for at, column in self.columns.items():
            check_type(self.kind.fields[column.field], schema.field(at), problems)

    def sent(self, batch: pa.RecordBatch, now_ms: int) -> pa.RecordBatch:
        """Return rows of the frame in the form they are sent in."""
        arrays = [batch.column(self.span_id).cast(pa.string())]
        arrays += [
            sent_values(batch.column(at), self.kind.fields[column.field].type)
            for at, column in self.columns.items()
        ]
        arrays += [added_values(column.field, len(batch), now_ms) for column in self.added]
        if self.notes is not None:
            arrays.append(wrapped_notes(batch.column(self.notes), now_ms))
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema())

    def check(self, sent: pa.RecordBatch, first_row: int, checks: ValueChecks) -> None:
        """Note what is wrong with rows.

        Args:
            sent: What `sent` made of them.
            first_row: Number of the first of them within all the data.
            checks: The rules.
        """
        checks.span_ids(sent.column(SPAN_ID), first_row)
        values: dict[tuple[str, str], dict[str, Given]] = {}
        for column in self.columns.values():
            title = self.kind.title(column)
            fields = values.setdefault((column.level, column.name), {})
            fields[column.field] = Given(title, sent.column(title))
        for (level, name), fields in values.items():
            checks.fields(f"{self.kind.prefix_by_level[level]}.{name}", fields, first_row)
        if self.notes is not None and self.kind.notes is not None:
            notes = sent.column(self.kind.notes)
            check_notes(self.kind.notes, notes, first_row, checks.problems)


def added_columns(kind: ValueKind, given: list[ValueColumn]) -> list[ValueColumn]:
    """Return what is added beside columns: the fields `kind.added` of what they say anything of."""
    named = [(column.level, column.name) for column in given if column.field in kind.said]
    companions = [
        ValueColumn(level, name, field)
        for level, name in dict.fromkeys(named)
        for field in kind.added
    ]
    return [column for column in companions if column not in given]


def added_values(field: str, rows: int, now_ms: int) -> pa.Array:
    """Return the same who, or the same when, for every row."""
    value = pa.scalar(UPDATED_BY) if field == "updated_by" else pa.scalar(now_ms, pa.int64())
    return pa.repeat(value, rows)


def sent_schema(kind: ValueKind, columns: list[ValueColumn], *, has_notes: bool) -> pa.Schema:
    """Return the schema of rows with those columns, the span's id before them."""
    fields = [pa.field(SPAN_ID, pa.string())]
    fields += [pa.field(kind.title(column), kind.fields[column.field].type) for column in columns]
    if has_notes and kind.notes is not None:
        fields.append(pa.field(kind.notes, NOTES_TYPE))
    return pa.schema(fields)
