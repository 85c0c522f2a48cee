"""The three kinds of what is written back, and the columns each is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spanduck_sql.schema import (
    ANNOTATION_NOTES,
    ANNOTATION_VALUES,
    EVALUATION_FIELDS,
    LEVEL_BY_PREFIX,
    METADATA,
    parse_annotation_column,
    parse_evaluation_column,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PATCH: Final = "patch_document"
METADATA_PREFIX: Final = f"{METADATA}."
SPAN: Final = "span"


@dataclass(frozen=True)
class NamedField:
    """What a column of a wide model holds.

    Attributes:
        level: `span`, `trace` or `session`.
        name: The evaluation's or annotation's name, or the metadata's key; None for a whole patch.
        field: Which field of it.
    """

    level: str
    name: str | None
    field: str


@dataclass(frozen=True)
class Kind:
    """A kind of values.

    Attributes:
        word: What it is called in models and reports.
        noun: What one value is called in messages.
        name_word: The column of a long model that names the value.
        fields: The columns of a long model that hold its fields; in a wide one, what names end in.
        body: The field that is kept as a value's body.
        parse: Reads the name of a wide model's column; None for one that is none.
        prefixes: What the names of a wide model's columns begin with.
        needed: What a model of the kind selects, in words.
    """

    word: str
    noun: str
    name_word: str
    fields: tuple[str, ...]
    body: str
    parse: Callable[[str], NamedField | None]
    prefixes: tuple[str, ...]
    needed: str

    @property
    def long_words(self) -> tuple[str, ...]:
        """The columns of a long model, beside the span id."""
        return ("level", self.name_word, *self.fields)

    def wide_name(self, name: str, field: str) -> str:
        """Return what a column of a wide model is called."""
        return f"{self.prefixes[0]}.{name}" + ("" if self is METADATA_KIND else f".{field}")


def _evaluation(column: str) -> NamedField | None:
    parsed = parse_evaluation_column(column)
    return None if parsed is None else NamedField(parsed.level, parsed.name, parsed.field)


def _annotation(column: str) -> NamedField | None:
    if column == ANNOTATION_NOTES:
        return NamedField(SPAN, ANNOTATION_NOTES, "text")
    parsed = parse_annotation_column(column)
    if parsed is None or parsed.field not in ANNOTATION_VALUES:
        return None
    return NamedField(SPAN, parsed.name, parsed.field)


def _metadata(column: str) -> NamedField | None:
    if column == PATCH:
        return NamedField(SPAN, None, PATCH)
    key = column.removeprefix(METADATA_PREFIX)
    return NamedField(SPAN, key, "value") if key and key != column else None


EVAL: Final = Kind(
    word="eval",
    noun="evaluation",
    name_word="name",
    fields=EVALUATION_FIELDS,
    body="explanation",
    parse=_evaluation,
    prefixes=tuple(LEVEL_BY_PREFIX),
    needed="An evaluation model selects span_id, name and at least one of label, score, "
    "explanation (and level, when it is not span); or span_id and columns like eval.<Name>.label, "
    "eval.<Name>.score, eval.<Name>.explanation.",
)
ANNOTATION: Final = Kind(
    word="annotation",
    noun="annotation",
    name_word="name",
    fields=ANNOTATION_VALUES,
    body="text",
    parse=_annotation,
    prefixes=("annotation",),
    needed="An annotation model selects span_id, name and at least one of label, score, text; or "
    "span_id and columns like annotation.<Name>.label, annotation.<Name>.score, "
    f"annotation.<Name>.text, {ANNOTATION_NOTES}.",
)
METADATA_KIND: Final = Kind(
    word="metadata",
    noun="metadata",
    name_word="key",
    fields=("value",),
    body="value",
    parse=_metadata,
    prefixes=(METADATA,),
    needed="A metadata model selects span_id, key and value; or span_id and columns like "
    f"{METADATA_PREFIX}<key>; or span_id and {PATCH}.",
)
KIND_BY_WORD: Final = {kind.word: kind for kind in (EVAL, ANNOTATION, METADATA_KIND)}
KINDS: Final = tuple(KIND_BY_WORD)
