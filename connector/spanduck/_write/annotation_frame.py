"""What a frame of annotations must be, and what it becomes: the vendor SDK's rules.

Column by column with Arrow kernels, batch after batch, so that a stream is checked as it passes.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._write.check import check_text, is_number, is_of_spans
from spanduck._write.rules import (
    ANNOTATION_TEXT_MAX_LENGTH,
    LABEL_MAX_LENGTH,
    NOTE_MAX_LENGTH,
    UPDATED_BY_MAX_LENGTH,
)
from spanduck._write.shape import SHORT_SPAN_ID
from spanduck.exceptions import did_you_mean
from spanduck_sql.schema import (
    ANNOTATION_FIELDS,
    ANNOTATION_NOTES,
    ANNOTATION_VALUES,
    SPAN_ID,
    AnnotationColumn,
    parse_annotation_column,
    parse_evaluation_column,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanduck._upload.problems import Problems

UPDATED_BY: Final = "SDK"
"""Who says so, where the frame does not tell; the vendor's clients write the same."""

_TYPE_BY_FIELD: Final = {
    "label": pa.string(),
    "score": pa.float64(),
    "text": pa.string(),
    "updated_by": pa.string(),
    "updated_at": pa.int64(),
}
_LIMIT_BY_FIELD: Final = {
    "label": LABEL_MAX_LENGTH,
    "text": ANNOTATION_TEXT_MAX_LENGTH,
    "updated_by": UPDATED_BY_MAX_LENGTH,
}
_NOTES_TYPE: Final = pa.list_(pa.string())
# The vendor's SDK counts the characters of a list of one text as Python writes it.
_LIST_CHARACTERS: Final = len("['']")
_LEAVE_NULL: Final = "Leave it null where there is none."


@dataclass(frozen=True)
class AnnotationFrame:
    """The columns of a frame that are sent, and those that are added to them.

    Attributes:
        span_id: Position of the span ids.
        fields: The fields of annotations by position.
        notes: Position of the notes; None without.
        added: Who and when, where the frame does not tell.
        now_ms: What is now, in milliseconds since 1970.
    """

    span_id: int
    fields: dict[int, AnnotationColumn]
    notes: int | None
    added: tuple[AnnotationColumn, ...]
    now_ms: int
    _has_value: dict[str, bool] = field(default_factory=dict)

    def schema(self) -> pa.Schema:
        """Return the names and types they are sent with."""
        named = [
            pa.field(column.column, _TYPE_BY_FIELD[column.field])
            for column in (*self.fields.values(), *self.added)
        ]
        notes = [] if self.notes is None else [pa.field(ANNOTATION_NOTES, _NOTES_TYPE)]
        return pa.schema([*named, *notes, pa.field(SPAN_ID, pa.string())])

    def sent(
        self, batch: pa.RecordBatch, first_row: int, problems: Problems | None
    ) -> pa.RecordBatch:
        """Return rows of the frame in the form they are sent in.

        Args:
            batch: Rows of the frame.
            first_row: Number of the first of them within all the data.
            problems: Where wrong values are noted; None to look at none.
        """
        rows = len(batch)
        arrays = [
            _plain(batch.column(at), _TYPE_BY_FIELD[column.field])
            for at, column in self.fields.items()
        ]
        for column in self.added:
            value = UPDATED_BY if column.field == "updated_by" else self.now_ms
            arrays.append(pa.repeat(pa.scalar(value, _TYPE_BY_FIELD[column.field]), rows))
        if self.notes is not None:
            arrays.append(_notes(batch.column(self.notes), self.now_ms))
        arrays.append(batch.column(self.span_id).cast(pa.string()))
        made = pa.RecordBatch.from_arrays(arrays, schema=self.schema())
        if problems is not None:
            self._check(made, first_row, problems)
        return made

    def check_empty(self, problems: Problems) -> None:
        """Note annotations of one column that was null in every row; after the last batch."""
        for name, has_value in self._has_value.items():
            if not has_value:
                problems.add(name, "null in every row", next_step="Leave the column out.")

    def _check(self, batch: pa.RecordBatch, first_row: int, problems: Problems) -> None:
        said: dict[str, dict[str, pa.Array]] = {}
        for name, values in zip(batch.schema.names, batch.columns, strict=True):
            parsed = parse_annotation_column(name, sendable=True)
            for rule, bad, shown, step in _wrong(name, parsed, values, self.now_ms):
                problems.add_rows(name, rule, bad, shown, first_row=first_row, next_step=step)
            if parsed is not None and parsed.field in ANNOTATION_VALUES:
                said.setdefault(parsed.name, {})[parsed.field] = values
        for name, fields in said.items():
            self._check_nulls(name, fields, first_row, problems)

    def _check_nulls(
        self, name: str, fields: dict[str, pa.Array], first_row: int, problems: Problems
    ) -> None:
        # As the vendor's: with two of the columns, nothing is asked.
        arrays = list(fields.values())
        if len(arrays) == 1:
            column = AnnotationColumn(name, next(iter(fields))).column
            has_value = len(arrays[0]) > arrays[0].null_count
            self._has_value[column] = self._has_value.get(column, False) or has_value
        if len(arrays) < len(ANNOTATION_VALUES):
            return
        is_silent = pc.and_(pc.and_(arrays[0].is_null(), arrays[1].is_null()), arrays[2].is_null())
        problems.add_rows(
            f"annotation.{name}",
            "no label, no score and no text",
            is_silent,
            fields["label"],
            first_row=first_row,
            next_step="Leave the row out.",
        )


def annotation_frame(schema: pa.Schema, now_ms: int, problems: Problems) -> AnnotationFrame | None:
    """Find the columns of a frame that are sent, and note what is wrong with the others.

    Other columns of spans, as an export has them, are left out. Anything else is a problem: the
    vendor's clients drop such a column silently, `score` among them.

    Returns:
        The columns; None when there is no span id or nothing to say.
    """
    names = list(schema.names)
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        problems.add(name, "the column is there twice", next_step="Keep one of them.")
    span_ids = [at for at, name in enumerate(names) if name in (SPAN_ID, SHORT_SPAN_ID)]
    if not span_ids:
        problems.add(
            SPAN_ID,
            "the column is missing",
            next_step=did_you_mean(SPAN_ID, names) or "It holds the id of the span of each row.",
        )
    fields: dict[int, AnnotationColumn] = {}
    for at, name in enumerate(names):
        parsed = parse_annotation_column(name, sendable=True)
        if parsed is not None:
            fields[at] = parsed
        elif at not in span_ids and name != ANNOTATION_NOTES and not _is_left_out(name):
            _note_unknown(name, problems)
    notes = names.index(ANNOTATION_NOTES) if ANNOTATION_NOTES in names else None
    if not fields and notes is None:
        problems.add(
            "annotation.<name>.label",
            "there is no column of an annotation",
            next_step="Name them annotation.<name>.label, annotation.<name>.score,"
            f" annotation.<name>.text, or {ANNOTATION_NOTES}.",
        )
    if not span_ids or (not fields and notes is None):
        return None
    _check_types(schema, span_ids[0], fields, notes, problems)
    return AnnotationFrame(span_ids[0], fields, notes, _added(fields), now_ms)


def _added(fields: dict[int, AnnotationColumn]) -> tuple[AnnotationColumn, ...]:
    given = set(fields.values())
    named = (column.name for column in fields.values() if column.field in ANNOTATION_VALUES)
    companions = (
        AnnotationColumn(name, field)
        for name in dict.fromkeys(named)
        for field in ("updated_by", "updated_at")
    )
    return tuple(column for column in companions if column not in given)


def _is_left_out(name: str) -> bool:
    is_evaluation = parse_evaluation_column(name) is not None
    return is_evaluation or (is_of_spans(name) and not name.startswith("annotation."))


def _note_unknown(name: str, problems: Problems) -> None:
    if parse_annotation_column(name) is not None:
        problems.add(
            name,
            "the name of the annotation cannot be sent",
            next_step="Use letters, digits, `_` and spaces.",
        )
        return
    prefix, _, rest = name.partition(".")
    stem = rest.rpartition(".")[0] or (rest if prefix == "annotation" else "") or "<name>"
    known = [SPAN_ID, ANNOTATION_NOTES, *(f"annotation.{stem}.{f}" for f in ANNOTATION_FIELDS)]
    problems.add(
        name,
        "the column is no annotation",
        next_step=did_you_mean(name, known)
        or "Rename it to annotation.<name>.<field>, or leave it out.",
    )


def _check_types(
    schema: pa.Schema,
    span_id: int,
    fields: dict[int, AnnotationColumn],
    notes: int | None,
    problems: Problems,
) -> None:
    texts = [at for at, column in fields.items() if column.field in _LIMIT_BY_FIELD]
    for at in (span_id, *texts, *([] if notes is None else [notes])):
        check_text(schema.field(at), problems)
    for at, column in fields.items():
        wire = schema.field(at).type
        if column.field == "score" and not is_number(wire):
            problems.add(
                column.column, f"its type is {wire}", next_step="Send integers or doubles."
            )
        is_time = pa.types.is_timestamp(wire) or (is_number(wire) and not pa.types.is_boolean(wire))
        if column.field == "updated_at" and not is_time:
            problems.add(
                column.column,
                f"its type is {wire}",
                next_step="Send milliseconds since 1970, UTC, or timestamps.",
            )


def _plain(values: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(values.type):
        zone = values.type.tz
        return values.cast(pa.timestamp("ms", tz=zone), safe=False).cast(kind)
    if pa.types.is_floating(values.type):
        # A NaN is how frames write that there is no number.
        values = pc.if_else(pc.is_nan(values), pa.nulls(len(values), values.type), values)
    return values if values.type.equals(kind) else values.cast(kind, safe=False)


def _notes(texts: pa.Array, now_ms: int) -> pa.ListArray:
    """Wrap each note as the vendor's SDK does: a list of one JSON text."""
    texts = texts.cast(pa.string())
    present = texts.drop_null()
    head = pa.scalar('{"text": ')
    tail = pa.scalar(f', "updated_by": "{UPDATED_BY}", "updated_at": {now_ms}}}')
    wrapped = pc.binary_join_element_wise(head, _quoted(present), tail, pa.scalar(""))
    lengths = pa.concat_arrays([pa.array([0]), pc.cumulative_sum(texts.is_valid().cast("int64"))])
    mask = texts.is_null() if texts.null_count else None
    return pa.ListArray.from_arrays(lengths.cast(pa.int32()), wrapped, mask=mask)


def _quoted(texts: pa.Array) -> pa.Array:
    """Return texts as JSON, with ASCII escapes."""
    if not len(texts):
        return texts
    # One call writes all of them. The text between two cannot occur in one by chance, which makes
    # it safe to split by it.
    token = secrets.token_hex(16)
    pairs = list(chain.from_iterable(zip(texts.to_pylist(), repeat(token), strict=False)))
    written = json.dumps(pairs)[1 : -len(f', "{token}"]')]
    return pa.array(written.split(f', "{token}", '), pa.string())


_Wrong = tuple[str, pa.Array, pa.Array, str]


def _wrong(
    name: str, parsed: AnnotationColumn | None, values: pa.Array, now_ms: int
) -> Iterator[_Wrong]:
    if name == SPAN_ID:
        blank = pc.equal(pc.utf8_trim_whitespace(values), "")
        bad = pc.or_kleene(pc.is_null(values), blank)
        yield "null or blank", bad, values, "Every row needs the id of its span."
    elif parsed is None:
        yield _too_long_note(values)
    elif parsed.field == "score":
        yield "not a finite number", pc.is_inf(values), values, _LEAVE_NULL
    elif parsed.field == "updated_at":
        step = "Send milliseconds since 1970, UTC."
        yield "zero or negative", pc.less_equal(values, 0), values, step
        yield "in the future", pc.greater(values, now_ms), values, step
    else:
        limit, length = _LIMIT_BY_FIELD[parsed.field], pc.utf8_length(values)
        yield "empty", pc.equal(length, 0), values, _LEAVE_NULL
        too_long = pc.greater(length, limit)
        yield f"longer than {limit:,} characters", too_long, values, "Shorten it."


def _too_long_note(notes: pa.ListArray) -> _Wrong:
    texts = (
        pc.list_element(notes, 0)
        if notes.null_count < len(notes)
        else pa.nulls(len(notes), pa.string())
    )
    length = pc.utf8_length(texts)
    for twice in ("\\", "'"):
        length = pc.add(length, pc.count_substring(texts, twice))
    too_long = pc.greater(pc.add(length, _LIST_CHARACTERS), NOTE_MAX_LENGTH)
    rule = f"longer than {NOTE_MAX_LENGTH:,} characters as it is written"
    return rule, too_long, texts, "Shorten it."
