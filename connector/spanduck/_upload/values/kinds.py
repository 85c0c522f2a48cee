"""What evaluations and annotations are made of, and the limits of each field, as data.

The limits are the vendor SDK's own (release 8.61.0), in code points; the service's are not
published.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from spanduck_sql.schema import (
    ANNOTATION_FIELDS,
    ANNOTATION_NOTES,
    ANNOTATION_VALUES,
    EVALUATION_FIELDS,
    PREFIX_BY_LEVEL,
    EvaluationColumn,
    parse_annotation_column,
    parse_evaluation_column,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UPDATED_BY: Final = "SDK"
"""Who says so, where the frame does not tell; the vendor's clients write the same."""

SHORT_SPAN_ID: Final = "span_id"
"""What a frame may call the span's id instead."""


@dataclass(frozen=True)
class FieldRule:
    """What a field holds.

    Attributes:
        type: The type it is sent with.
        min_length: Fewest characters of a text.
        max_length: Most characters of a text.
    """

    type: pa.DataType
    min_length: int = 0
    max_length: int | None = None


@dataclass(frozen=True)
class ValueColumn:
    """One field of one value of a kind.

    Attributes:
        level: `span`, `trace` or `session`.
        name: The name of the evaluation or annotation.
        field: The field.
    """

    level: str
    name: str
    field: str


@dataclass(frozen=True)
class ValueKind:
    """A kind of value that spans may have.

    Attributes:
        word: What one is called.
        prefix_by_level: How its columns begin, by level; the first level is that of a value that
            names none.
        fields: The rule of each field, in order.
        said: The fields that say something; a value without any of them is none.
        needs: By field, those of which one must be there beside it.
        added: The fields that are added where a frame does not have them.
        is_silence_wrong: Whether a row of nulls is a mistake, rather than no value.
        notes: The column of notes, where there are such.
    """

    word: str
    prefix_by_level: Mapping[str, str]
    fields: Mapping[str, FieldRule]
    said: tuple[str, ...]
    _parse: Callable[[str, bool], ValueColumn | None]
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    is_silence_wrong: bool = False
    notes: str | None = None

    @property
    def an(self) -> str:
        """The word with its article."""
        return f"an {self.word}"

    @property
    def default_level(self) -> str:
        """The level of a value that names none."""
        return next(iter(self.prefix_by_level))

    def title(self, column: ValueColumn) -> str:
        """Return the name of a column on the wire."""
        return f"{self.prefix_by_level[column.level]}.{column.name}.{column.field}"

    def read(self, title: str, *, sendable: bool = True) -> ValueColumn | None:
        """Read the name of a column; None when it is none of this kind.

        Args:
            title: The name.
            sendable: Accept only names that the vendor's clients send (letters, digits, `_`, white
                space).
        """
        return self._parse(title, sendable)

    def is_sendable(self, name: str) -> bool:
        """Tell whether a value of that name can be sent."""
        probe = ValueColumn(self.default_level, name, self.said[0])
        return bool(name.strip()) and self.read(self.title(probe)) == probe

    def example(self, stem: str = "<name>") -> list[str]:
        """Return the names of columns that say something about `stem`."""
        return [self.title(ValueColumn(self.default_level, stem, word)) for word in self.said]


def _evaluation(title: str, sendable: bool) -> ValueColumn | None:
    parsed: EvaluationColumn | None = parse_evaluation_column(title, sendable=sendable)
    return None if parsed is None else ValueColumn(parsed.level, parsed.name, parsed.field)


def _annotation(title: str, sendable: bool) -> ValueColumn | None:
    parsed = parse_annotation_column(title, sendable=sendable)
    return None if parsed is None else ValueColumn("span", parsed.name, parsed.field)


_LABEL: Final = FieldRule(pa.string(), 1, 100)
_SCORE: Final = FieldRule(pa.float64())
_EVALUATION_RULES: Final = (_LABEL, _SCORE, FieldRule(pa.string(), 0, 10_000))
_ANNOTATION_RULES: Final = (
    _LABEL,
    _SCORE,
    FieldRule(pa.string(), 1, 10_000),
    FieldRule(pa.string(), 1, 100),
    # Milliseconds since 1970, UTC.
    FieldRule(pa.int64()),
)

EVALUATIONS: Final = ValueKind(
    word="evaluation",
    prefix_by_level=PREFIX_BY_LEVEL,
    fields=dict(zip(EVALUATION_FIELDS, _EVALUATION_RULES, strict=True)),
    said=EVALUATION_FIELDS,
    _parse=_evaluation,
    needs={"explanation": ("label", "score")},
)
ANNOTATIONS: Final = ValueKind(
    word="annotation",
    prefix_by_level={"span": "annotation"},
    fields=dict(zip(ANNOTATION_FIELDS, _ANNOTATION_RULES, strict=True)),
    said=ANNOTATION_VALUES,
    _parse=_annotation,
    added=("updated_by", "updated_at"),
    is_silence_wrong=True,
    notes=ANNOTATION_NOTES,
)
KINDS: Final = (EVALUATIONS, ANNOTATIONS)
