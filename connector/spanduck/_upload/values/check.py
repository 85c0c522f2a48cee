"""The rules that values must keep before any of them is sent: the vendor SDK's.

Column by column with Arrow kernels, batch after batch, so that a stream is checked as it passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from spanduck_sql.schema import SPAN_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from spanduck._upload.problems import Problems
    from spanduck._upload.values.kinds import FieldRule, ValueKind

_LEAVE_NULL: Final = "Leave it null where there is none."
_SHORTEN: Final = "Shorten it."
_MILLISECONDS: Final = "Send milliseconds since 1970, UTC."


class Given(NamedTuple):
    """A field as it was given: what its column is called, and its values in the sent type."""

    title: str
    values: pa.Array


class ValueChecks:
    """Notes what is wrong with values, batch after batch.

    Args:
        kind: What they are.
        problems: Where it is noted.
        now_ms: The time that `updated_at` must not be after, in milliseconds since 1970.
    """

    def __init__(self, kind: ValueKind, problems: Problems, now_ms: int) -> None:
        self._kind = kind
        self.problems = problems
        self._now_ms = now_ms
        self._has_value: dict[str, bool] = {}

    def span_ids(self, ids: pa.Array, first_row: int) -> None:
        """Note rows without an id."""
        blank = pc.equal(pc.utf8_trim_whitespace(ids), "")
        self._note(
            Given(SPAN_ID, ids),
            "null or blank",
            pc.or_kleene(pc.is_null(ids), blank),
            first_row,
            "Every row needs the id of its span.",
        )

    def fields(self, subject: str, given: Mapping[str, Given], first_row: int) -> None:
        """Note what is wrong with the fields of values.

        Args:
            subject: What they are fields of, for messages.
            given: The fields that are there, by name.
            first_row: Number of their first row within all the data.
        """
        for field, column in given.items():
            for rule, bad, step in self._wrong(self._kind.fields[field], column.values):
                self._note(column, rule, bad, first_row, step)
        for field, others in self._kind.needs.items():
            if field in given:
                self._check_alone(field, others, given, first_row)
        if self._kind.is_silence_wrong:
            self._check_silence(subject, given, first_row)

    def finish(self) -> None:
        """Note what only the last batch could tell: columns that were null in every row."""
        for title, has_value in self._has_value.items():
            if not has_value:
                self.problems.add(title, "null in every row", next_step="Leave the column out.")

    def _wrong(self, rule: FieldRule, values: pa.Array) -> Iterator[tuple[str, pa.Array, str]]:
        if pa.types.is_floating(rule.type):
            yield "not a finite number", pc.is_inf(values), _LEAVE_NULL
        elif pa.types.is_integer(rule.type):
            yield "zero or negative", pc.less_equal(values, 0), _MILLISECONDS
            yield "in the future", pc.greater(values, self._now_ms), _MILLISECONDS
        # Bytes are at least as many as characters, and known without looking at the text.
        elif rule.max_length is not None:
            longest = pc.max(pc.binary_length(values)).as_py() or 0
            if rule.min_length:
                yield "empty", pc.equal(pc.binary_length(values), 0), _LEAVE_NULL
            if longest > rule.max_length:
                too_long = pc.greater(pc.utf8_length(values), rule.max_length)
                yield f"longer than {rule.max_length:,} characters", too_long, _SHORTEN

    def _check_alone(
        self, field: str, others: tuple[str, ...], given: Mapping[str, Given], first_row: int
    ) -> None:
        alone = given[field].values.is_valid()
        for other in others:
            if other in given:
                alone = pc.and_(alone, given[other].values.is_null())
        words = " and ".join(f"a {other}" for other in others)
        step = f"Add one of them, or leave the {field} null."
        # Spelled with "an": the only field with such a need is the explanation.
        self._note(given[field], f"an {field} without {words}", alone, first_row, step)

    def _check_silence(self, subject: str, given: Mapping[str, Given], first_row: int) -> None:
        # As the vendor's: with two of the columns nothing is asked, with one that it says anything.
        said = [given[field] for field in self._kind.said if field in given]
        if len(said) == 1:
            title, values = said[0]
            has_value = len(values) > values.null_count
            self._has_value[title] = self._has_value.get(title, False) or has_value
        if len(said) < len(self._kind.said):
            return
        is_silent = said[0].values.is_null()
        for column in said[1:]:
            is_silent = pc.and_(is_silent, column.values.is_null())
        rule = f"no {self._kind.said[0]}, no {' and no '.join(self._kind.said[1:])}"
        rows = Given(subject, said[0].values)
        self._note(rows, rule, is_silent, first_row, "Leave the row out.")

    def _note(self, column: Given, rule: str, bad: pa.Array, first_row: int, step: str) -> None:
        self.problems.add_rows(
            column.title, rule, bad, column.values, first_row=first_row, next_step=step
        )


def check_text(field: pa.Field, problems: Problems) -> None:
    """Note a column that holds no texts; one of nulls alone may have any type."""
    if not (pa.types.is_string(field.type) or pa.types.is_null(field.type)):
        problems.add(field.name, f"its type is {field.type}", next_step="Send texts.")


def check_type(rule: FieldRule, field: pa.Field, problems: Problems) -> None:
    """Note a column of a type that its field cannot have."""
    types, given = pa.types, field.type
    if types.is_string(rule.type):
        check_text(field, problems)
    elif types.is_floating(rule.type) and not _is_number(given):
        problems.add(field.name, f"its type is {given}", next_step="Send integers or doubles.")
    elif types.is_integer(rule.type) and not (
        types.is_timestamp(given) or (_is_number(given) and not types.is_boolean(given))
    ):
        step = "Send milliseconds since 1970, UTC, or timestamps."
        problems.add(field.name, f"its type is {given}", next_step=step)


def sent_values(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return the values in the type they are sent with; a NaN says that there is no number."""
    if pa.types.is_timestamp(values.type):
        zone = values.type.tz
        return values.cast(pa.timestamp("ms", tz=zone), safe=False).cast(kind)
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.nulls(len(values), values.type), values)
    return values if values.type.equals(kind) else values.cast(kind, safe=False)


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_boolean(kind)
        or types.is_null(kind)
    )
