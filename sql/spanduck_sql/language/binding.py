"""A filter against what is stored: each field's type and column, and what is wrong with it.

The same text means different things for different columns: `attributes.x = '1'` compares texts, or
numbers where the stored column is numeric. `bind` decides, once for `evaluate` and `generate`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

from spanduck_sql.errors import FilterError, FilterErrorCode
from spanduck_sql.expressions import (
    AlwaysTrue,
    And,
    Between,
    Compare,
    Comparison,
    Contains,
    In,
    IsNull,
    Like,
    Literal,
    Not,
    Or,
)
from spanduck_sql.language.columns import Column, StoredKind
from spanduck_sql.language.fields import (
    UPPER_CASE_VALUES,
    FieldType,
    canonical_name,
    field_type,
)
from spanduck_sql.language.habits import if_short
from spanduck_sql.language.hints import known_names, suggestion, unknown_name_hint
from spanduck_sql.language.mistakes import cut
from spanduck_sql.language.values import number_in, timestamp_in
from spanduck_sql.schema import (
    JSON_COLUMNS,
    LIST_DICT_COLUMNS,
    SPAN_KIND,
    TOKEN_COUNT_PREFIX,
    UPLOAD_SPAN_KIND,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spanduck_sql.expressions import Predicate, Span

__all__ = [
    "BoundField",
    "BoundFilter",
    "FilterWarning",
    "Reading",
    "bind",
    "is_document",
    "known_names",
    "list_position",
    "reading",
]


class Reading(StrEnum):
    """What a stored value is read as before it is compared."""

    TEXT = "text"
    NUMBER = "number"
    """A finite double; anything else counts as missing."""
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"


@dataclass(frozen=True)
class BoundField:
    """A field and where its values are.

    Attributes:
        name: The canonical name.
        type: What it takes.
        column: What it is read from; None when nothing of it is stored.
        path: What follows the column's name where the field lies inside a stored document, list or
            map: the parts between dots.
    """

    name: str
    type: FieldType
    column: Column | None
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class FilterWarning:
    """Something legal that matches nothing.

    Attributes:
        message: What, and what may have been meant.
        span: Where it stands in the text.
    """

    message: str
    span: Span | None = None

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class BoundFilter:
    """A filter and the fields it reads.

    Attributes:
        predicate: The tree.
        fields: By the names that the tree uses.
        warnings: In the order of the text.
    """

    predicate: Predicate
    fields: Mapping[str, BoundField]
    warnings: tuple[FilterWarning, ...] = ()


def bind(
    predicate: Predicate,
    columns: Mapping[str, Column] | None,
    *,
    text: str = "",
    strict: bool = False,
) -> BoundFilter:
    """Resolve the fields of a filter, and check that its literals and operators fit them.

    Args:
        predicate: What `parser.parse` returns.
        columns: What is stored, by exact name; None when everything may be.
        text: What it was parsed from, for errors.
        strict: Refuse a field of which nothing is stored instead of warning.

    Raises:
        FilterError: A name no field can have (`unknown_field`), or a literal or an operator that
            does not fit its field (`type_mismatch`).
    """
    binder = _Binder(columns, text, strict)
    binder.check(predicate)
    return BoundFilter(predicate, binder.fields, tuple(binder.warnings))


def reading(field: BoundField, literal: Literal) -> Reading:
    """Return what the field's values are read as where they are compared with `literal`."""
    if field.type is not FieldType.ANY:
        return _READING_BY_TYPE[field.type]
    if literal.type != "VARCHAR":
        return _READING_BY_LITERAL[literal.type]
    is_numeric = field.column is not None and field.column.kind in _NUMERIC and not field.path
    if is_numeric and number_in(str(literal.value)) is not None:
        return Reading.NUMBER
    return Reading.TEXT


def is_document(column: Column) -> bool:
    """Tell whether the values of `column` are JSON documents, as far as its name and kind say."""
    return column.kind is StoredKind.JSON or (
        column.kind is StoredKind.TEXT and column.name in _DOCUMENTS
    )


def list_position(part: str) -> int | None:
    """Return the position in a list, from 0, that a part of a path is; None when it is a key."""
    return int(part) if _POSITION.fullmatch(part) else None


# 15 digits: more than any list has, and less than the engine's integers hold.
_POSITION: Final = re.compile("0|[1-9][0-9]{0,14}")
_NUMERIC: Final = frozenset({StoredKind.INTEGER, StoredKind.DOUBLE})
_DOCUMENTS: Final = JSON_COLUMNS | LIST_DICT_COLUMNS
_READING_BY_TYPE: Final = {
    FieldType.STRING: Reading.TEXT,
    FieldType.NUMBER: Reading.NUMBER,
    FieldType.BOOLEAN: Reading.BOOLEAN,
    FieldType.TIMESTAMP: Reading.TIMESTAMP,
}
_READING_BY_LITERAL: Final = {"DOUBLE": Reading.NUMBER, "BOOLEAN": Reading.BOOLEAN}
_OPEN_KIND: Final = {
    FieldType.STRING: StoredKind.TEXT,
    FieldType.NUMBER: StoredKind.DOUBLE,
    FieldType.BOOLEAN: StoredKind.BOOLEAN,
    FieldType.TIMESTAMP: StoredKind.TIMESTAMP,
    FieldType.ANY: StoredKind.OTHER,
}
_LITERAL_TYPE: Final = {
    FieldType.STRING: "VARCHAR",
    FieldType.NUMBER: "DOUBLE",
    FieldType.BOOLEAN: "BOOLEAN",
    FieldType.TIMESTAMP: "VARCHAR",
}
_FOUND: Final = {"VARCHAR": "a string", "DOUBLE": "a number", "BOOLEAN": "a boolean"}
_UNORDERED: Final = frozenset({Comparison.EQ, Comparison.NE})
_Leaf: TypeAlias = Compare | In | Between | Like | Contains | IsNull


class _Binder:
    def __init__(self, columns: Mapping[str, Column] | None, text: str, strict: bool) -> None:
        self._columns = columns
        self._text = text
        self._is_strict = strict
        self.fields: dict[str, BoundField] = {}
        self.warnings: list[FilterWarning] = []

    def check(self, predicate: Predicate) -> None:
        """Visit the leaves from left to right, so that the first error is the first of the text."""
        pending = [predicate]
        while pending:
            node = pending.pop()
            if isinstance(node, And | Or):
                pending += reversed(node.operands)
            elif isinstance(node, Not):
                pending.append(node.operand)
            elif isinstance(node, Compare | In | Between | Like | Contains | IsNull):
                self._leaf(node)
            elif not isinstance(node, AlwaysTrue):
                raise TypeError(f"{type(node).__name__} is not part of the filter language")

    def _leaf(self, node: _Leaf) -> None:
        field = self.fields.get(node.column)
        if field is None:
            field = self.fields[node.column] = self._resolve(node)
        match node:
            case Compare():
                self._literal(node, field, node.literal, ordered=node.op not in _UNORDERED)
            case In():
                for literal in node.literals:
                    self._literal(node, field, literal)
                    if literal.type != node.literals[0].type:
                        self._mismatch(literal.span, "the values of one IN are of one type", "")
            case Between():
                for literal in (node.low, node.high):
                    self._literal(node, field, literal, ordered=True)
                if node.low.type != node.high.type:
                    self._mismatch(node.high.span, "the ends of a range are of one type", "")
            case Like() | Contains() if field.type not in (FieldType.STRING, FieldType.ANY):
                name = "CONTAINS" if isinstance(node, Contains) else "LIKE"
                self._mismatch(
                    node.span,
                    f"{name} needs a string, {self._shown(node)} is a {field.type}",
                    "compare it with = < > or BETWEEN"
                    if field.type is not FieldType.BOOLEAN
                    else "compare it with = true or = false",
                )

    def _resolve(self, node: _Leaf) -> BoundField:
        name = canonical_name(node.column)
        kind = field_type(name)
        if kind is None:
            hint = unknown_name_hint(name, self._columns)
            self._fail(
                FilterErrorCode.UNKNOWN_FIELD, node.span, f"unknown field '{cut(name)}'", hint
            )
        column, path = self._column(name, kind)
        if column is None:
            message = f"no span has '{cut(name)}'"
            hint = if_short(suggestion(name, known_names(self._columns)), "")
            if self._is_strict:
                self._fail(FilterErrorCode.UNKNOWN_FIELD, node.span, message, hint)
            meant = f"; {hint}" if hint else ""
            message = f"{message}: only IS NULL matches it{meant}"
            self.warnings.append(FilterWarning(message, node.span))
        return BoundField(name, kind, column, path)

    def _column(self, name: str, kind: FieldType) -> tuple[Column | None, tuple[str, ...]]:
        columns = self._columns
        if columns is None:
            is_count = name.startswith(TOKEN_COUNT_PREFIX) and kind is FieldType.NUMBER
            return Column(name, StoredKind.INTEGER if is_count else _OPEN_KIND[kind]), ()
        column = columns.get(name)
        if column is None and name == SPAN_KIND:
            column = columns.get(UPLOAD_SPAN_KIND)
        if column is not None:
            return column, ()
        dot = name.rfind(".")
        while dot > 0:
            column = columns.get(name[:dot])
            if column is not None and (
                column.kind in (StoredKind.LIST, StoredKind.MAP) or is_document(column)
            ):
                return column, tuple(name[dot + 1 :].split("."))
            dot = name.rfind(".", 0, dot)
        return None, ()

    def _literal(
        self, node: _Leaf, field: BoundField, literal: Literal, *, ordered: bool = False
    ) -> None:
        span = literal.span or node.span
        kind = literal.type
        if kind not in _FOUND:
            raise TypeError(f"a literal of the filter language is no {kind}")
        if ordered and kind == "BOOLEAN":
            self._mismatch(span, "booleans cannot be ordered", "compare with = or !=")
        if field.type is FieldType.ANY:
            return
        if kind != _LITERAL_TYPE[field.type]:
            message = f"{self._shown(node)} is a {field.type}, found {_FOUND[kind]}"
            self._mismatch(span, message, self._literal_hint(field.type, literal, span))
        if field.type is FieldType.TIMESTAMP and timestamp_in(str(literal.value)) is None:
            self._mismatch(
                span,
                f"'{cut(str(literal.value))}' is no date or time in ISO 8601",
                "write '2024-05-01' or '2024-05-01T10:00:00Z'",
            )
        values = UPPER_CASE_VALUES.get(field.name, frozenset())
        upper = str(literal.value).upper()
        if upper in values and literal.value != upper:
            shown = self._shown(node)
            message = f"{shown} is never '{literal.value}': its values are upper case, '{upper}'"
            self.warnings.append(FilterWarning(message, span))

    def _literal_hint(self, wanted: FieldType, literal: Literal, span: Span | None) -> str:
        match wanted:
            case FieldType.STRING:
                return f"quote it: '{self._excerpt(span) or literal}'"
            case FieldType.NUMBER if number_in(str(literal.value)) is not None:
                return "remove the quotes"
            case FieldType.NUMBER:
                return "compare it with a number, without quotes"
            case FieldType.BOOLEAN:
                return "compare it with true or false, without quotes"
        return "write '2024-05-01' or '2024-05-01T10:00:00Z'"

    def _shown(self, node: _Leaf) -> str:
        """Return the field as the text has it."""
        return cut(self._excerpt(node.span) or node.column)

    def _excerpt(self, span: Span | None) -> str:
        return "" if span is None else self._text[slice(*span)]

    def _mismatch(self, span: Span | None, message: str, hint: str) -> NoReturn:
        self._fail(FilterErrorCode.TYPE_MISMATCH, span, message, hint)

    def _fail(self, code: FilterErrorCode, span: Span | None, message: str, hint: str) -> NoReturn:
        position, end = span or (None, None)
        hint = if_short(hint, "")
        raise FilterError(
            message, next_step=hint, text=self._text, code=code, position=position, end=end
        )
