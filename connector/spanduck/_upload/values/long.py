"""The long shape: a row is one value, and a column says what it is called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spanduck._upload.values.check import Given, check_text, check_type, sent_values
from spanduck._upload.values.kinds import ValueColumn, ValueKind
from spanduck._upload.values.wide import added_columns, sent_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spanduck._upload.problems import Problems
    from spanduck._upload.values.check import ValueChecks

Numbers: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
Flags: TypeAlias = np.ndarray[tuple[int], np.dtype[np.bool_]]

NAME: Final = "name"
LEVEL: Final = "level"
ROW: Final = "row"
SPAN: Final = "span_id"
SLOT: Final = "slot"
_NO_SLOT: Final = -1


@dataclass(frozen=True)
class LongFrame:
    """The columns of a long frame.

    Attributes:
        kind: What its values are.
        span_id: Position of the span ids.
        name: Position of the names.
        level: Position of the levels; None where every value has the usual one.
        fields: Positions of the fields.
    """

    kind: ValueKind
    span_id: int
    name: int
    level: int | None
    fields: dict[str, int]

    def schema(self) -> pa.Schema:
        """Return the schema of `LongRows.read`."""
        fields = [(ROW, pa.int64()), (SPAN, pa.string()), (SLOT, pa.int64())]
        fields += [(name, self.kind.fields[name].type) for name in self.fields]
        return pa.schema(fields)

    def check_types(self, schema: pa.Schema, problems: Problems) -> None:
        """Note columns of a type that cannot be right."""
        for at in (self.span_id, self.name, self.level):
            if at is not None:
                check_text(schema.field(at), problems)
        for name, at in self.fields.items():
            check_type(self.kind.fields[name], schema.field(at), problems)


@dataclass
class Slot:
    """An evaluation or annotation that rows name, and the fields that any of them has for it."""

    level: str
    name: str
    fields: set[str] = field(default_factory=set)


class LongRows:
    """The rows of a long frame, read batch after batch; numbers the names as they come.

    Args:
        frame: Its columns.
        problems: Where rows are noted that name nothing that can be sent.

    Attributes:
        slots: What the numbers in the column `slot` stand for.
    """

    def __init__(self, frame: LongFrame, problems: Problems) -> None:
        self.frame = frame
        self.problems = problems
        self.slots: list[Slot] = []
        self._slot_by_name: dict[tuple[str, str], int] = {}

    def read(
        self, batch: pa.RecordBatch, first_row: int, checks: ValueChecks | None
    ) -> pa.RecordBatch:
        """Return the rows of a batch that say something, in order.

        Args:
            batch: Of the frame.
            first_row: Number of its first row within all the data.
            checks: The rules of values; None to look at none.

        Returns:
            A batch of `row`, `span_id`, `slot` and the fields in their sent types.
        """
        frame, kind = self.frame, self.frame.kind
        ids = batch.column(frame.span_id).cast(pa.string())
        given = {
            name: Given(name, sent_values(batch.column(at), kind.fields[name].type))
            for name, at in frame.fields.items()
        }
        if checks is not None:
            checks.span_ids(ids, first_row)
            checks.fields(kind.word, given, first_row)
        slots = self._numbered(batch, first_row)
        is_said = np.zeros(len(batch), dtype=np.bool_)
        for name in kind.said:
            if name in given:
                is_said |= _flags(given[name].values.is_valid())
        kept = is_said & (slots != _NO_SLOT)
        self._note_fields(given, slots, kept)
        rows = np.arange(first_row, first_row + len(batch), dtype=np.int64)
        arrays = [
            pa.array(rows),
            ids,
            pa.array(slots),
            *(column.values for column in given.values()),
        ]
        read = pa.RecordBatch.from_arrays(arrays, schema=frame.schema())
        return read if kept.all() else read.filter(pa.array(kept))

    def columns(self, slots: Sequence[int]) -> list[ValueColumn]:
        """Return the fields that values of these slots have, without those that are added."""
        return [
            ValueColumn(self.slots[slot].level, self.slots[slot].name, name)
            for slot in slots
            for name in self.frame.kind.fields
            if name in self.slots[slot].fields
        ]

    def wire_schema(self, slots: Sequence[int]) -> pa.Schema:
        """Return the schema of wide rows of these slots."""
        kind, columns = self.frame.kind, self.columns(slots)
        return sent_schema(kind, [*columns, *self.added(slots)], has_notes=False)

    def added(self, slots: Sequence[int]) -> list[ValueColumn]:
        """Return the columns that are added: of fields that the frame does not have."""
        added = added_columns(self.frame.kind, self.columns(slots))
        return [column for column in added if column.field not in self.frame.fields]

    def _numbered(self, batch: pa.RecordBatch, first_row: int) -> Numbers:
        kind = self.frame.kind
        names, name_codes = _codes(batch.column(self.frame.name))
        levels: list[str | None] = [kind.default_level]
        level_codes = np.zeros(len(batch), dtype=np.int64)
        if self.frame.level is not None:
            levels, level_codes = _codes(batch.column(self.frame.level))
        # One number for each pair; Python sees every pair once.
        pairs, pair_of_row = np.unique(
            name_codes * (len(levels) + 1) + level_codes, return_inverse=True
        )
        slots = np.empty(len(pairs), dtype=np.int64)
        for at, pair in enumerate(pairs.tolist()):
            name_code, level_code = divmod(pair, len(levels) + 1)
            name = names[name_code] if name_code < len(names) else None
            level = levels[level_code] if level_code < len(levels) else None
            slots[at] = self._slot(name, level or kind.default_level)
        numbered: Numbers = slots[pair_of_row]
        if (numbered == _NO_SLOT).any():
            self._note_names(batch, first_row)
        return numbered

    def _slot(self, name: str | None, level: str) -> int:
        kind = self.frame.kind
        if name is None or level not in kind.prefix_by_level or not kind.is_sendable(name):
            return _NO_SLOT
        slot = self._slot_by_name.setdefault((level, name), len(self.slots))
        if slot == len(self.slots):
            self.slots.append(Slot(level, name))
        return slot

    def _note_names(self, batch: pa.RecordBatch, first_row: int) -> None:
        kind = self.frame.kind
        for rule, column, bad, step in self._wrong_names(batch):
            self.problems.add_rows(
                column,
                rule,
                bad,
                batch.column(self.frame.name if column == NAME else self.frame.level),
                first_row=first_row,
                next_step=step or f"Every row needs the name of its {kind.word}.",
            )

    def _wrong_names(self, batch: pa.RecordBatch) -> Iterator[tuple[str, str, pa.Array, str]]:
        kind = self.frame.kind
        names = batch.column(self.frame.name).cast(pa.string())
        blank = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(names), ""), True)  # noqa: FBT003
        yield "null or blank", NAME, blank, ""
        unsendable = [
            name for name in pc.unique(names.drop_null()).to_pylist() if not kind.is_sendable(name)
        ]
        bad = pc.and_not(pc.is_in(names, pa.array(unsendable, pa.string())), blank)
        rule = f"the name of the {kind.word} cannot be sent"
        yield rule, NAME, bad, "Use letters, digits, `_` and spaces."
        if self.frame.level is not None:
            levels = batch.column(self.frame.level).cast(pa.string())
            known = pc.is_in(levels, pa.array(list(kind.prefix_by_level)))
            bad = pc.and_(levels.is_valid(), pc.invert(known))
            rule = f"not one of {', '.join(kind.prefix_by_level)}"
            yield rule, LEVEL, bad, f"Leave it null for {kind.default_level}."

    def _note_fields(
        self,
        given: dict[str, Given],
        slots: Numbers,
        kept: Flags,
    ) -> None:
        for name, column in given.items():
            for slot in np.unique(slots[kept & _flags(column.values.is_valid())]).tolist():
                self.slots[slot].fields.add(name)


def _codes(column: pa.Array) -> tuple[list[str | None], Numbers]:
    """Return the texts of a column, each once, and which of them a row has; null is past them."""
    encoded = column.cast(pa.string()).dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    codes = encoded.indices.fill_null(len(texts)).cast(pa.int64())
    return texts, codes.to_numpy(zero_copy_only=False)


def _flags(mask: pa.Array) -> Flags:
    flags: Flags = mask.to_numpy(zero_copy_only=False)
    return flags
