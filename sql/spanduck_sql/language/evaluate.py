"""A bound filter on one row, in Python: the meaning that `generate` must agree with."""

from __future__ import annotations

import math
import operator
import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from spanduck_sql.expressions import Comparison
from spanduck_sql.language.binding import Reading, is_document, list_position, reading
from spanduck_sql.language.columns import StoredKind
from spanduck_sql.language.documents import texts_in, written_text
from spanduck_sql.language.paths import key_paths
from spanduck_sql.language.values import boolean_in, microseconds_in, number_in
from spanduck_sql.visitors import Visitor, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from spanduck_sql.expressions import (
        Between,
        Compare,
        Contains,
        In,
        IsNull,
        Like,
        Literal,
        Opaque,
    )
    from spanduck_sql.language.binding import BoundField, BoundFilter

_Comparable: TypeAlias = str | float | bool | int
_OPERATORS: Final[dict[Comparison, Callable[[_Comparable, _Comparable], bool]]] = {
    Comparison.EQ: operator.eq,
    Comparison.NE: operator.ne,
    Comparison.LT: operator.lt,
    Comparison.LE: operator.le,
    Comparison.GT: operator.gt,
    Comparison.GE: operator.ge,
}


def evaluate(bound: BoundFilter, row: Mapping[str, object]) -> bool | None:
    """Return whether a row matches; None where that is unknown.

    Args:
        bound: What `bind` returns.
        row: Stored values by `Column.sql_name`, as DuckDB's Python client gives them.
    """
    return fold(bound.predicate, _Evaluation(bound.fields, row))


class _Evaluation(Visitor[bool | None]):
    def __init__(self, fields: Mapping[str, BoundField], row: Mapping[str, object]) -> None:
        self._fields = fields
        self._row = row

    def always_true(self) -> bool | None:
        return True

    def opaque(self, predicate: Opaque) -> bool | None:
        raise TypeError(f"{predicate} is not part of the filter language")

    def all_of(self, operands: Sequence[bool | None]) -> bool | None:
        if False in operands:
            return False
        return None if None in operands else True

    def any_of(self, operands: Sequence[bool | None]) -> bool | None:
        if True in operands:
            return True
        return None if None in operands else False

    def negated(self, operand: bool | None) -> bool | None:
        return None if operand is None else not operand

    def compare(self, predicate: Compare) -> bool | None:
        return self._compare(predicate.column, predicate.op, predicate.literal)

    def is_in(self, predicate: In) -> bool | None:
        column = predicate.column
        return self.any_of(
            [self._compare(column, Comparison.EQ, literal) for literal in predicate.literals]
        )

    def between(self, predicate: Between) -> bool | None:
        return self.all_of(
            [
                self._compare(predicate.column, Comparison.GE, predicate.low),
                self._compare(predicate.column, Comparison.LE, predicate.high),
            ]
        )

    def like(self, predicate: Like) -> bool | None:
        text = self._text(self._fields[predicate.column])
        if text is None:
            return None
        if predicate.ignores_case:
            text = _folded(text)
        pattern = _pattern(predicate.pattern, predicate.escape, predicate.ignores_case)
        return pattern.fullmatch(text) is not None

    def contains(self, predicate: Contains) -> bool | None:
        text = self._text(self._fields[predicate.column])
        return None if text is None else predicate.text in text

    def is_null(self, predicate: IsNull) -> bool | None:
        field = self._fields[predicate.column]
        if field.path:
            return self._text(field) is None
        return self._stored(field) is None

    def _compare(self, column: str, op: Comparison, literal: Literal) -> bool | None:
        field = self._fields[column]
        read = reading(field, literal)
        value = self._value(field, read)
        return None if value is None else _OPERATORS[op](value, _constant(read, literal))

    def _value(self, field: BoundField, read: Reading) -> _Comparable | None:
        """Return the stored value as what it is read as; a time as microseconds."""
        if read is Reading.TEXT:
            return self._text(field)
        stored = None if field.path else self._stored(field)
        if read is Reading.NUMBER:
            if isinstance(stored, int | float | Decimal) and not isinstance(stored, bool):
                number = float(stored)
                return None if math.isnan(number) else number
        elif read is Reading.BOOLEAN:
            if isinstance(stored, bool):
                return stored
        elif isinstance(stored, datetime):
            return _microseconds(stored)
        elif isinstance(stored, int) and not isinstance(stored, bool):
            # Nanoseconds; the engine's division drops the remainder on both sides of zero.
            return stored // 1_000 if stored >= 0 else -(-stored // 1_000)
        text = self._text(field)
        return None if text is None else _IN_TEXT[read](text)

    def _stored(self, field: BoundField) -> object:
        return None if field.column is None else self._row[field.column.sql_name]

    def _text(self, field: BoundField) -> str | None:
        stored = self._stored(field)
        if stored is None or field.column is None:
            return None
        if not field.path:
            return _text_of(stored)
        if is_document(field.column):
            return texts_in(_text_of(stored) or "", key_paths(field.path))
        if field.column.kind is StoredKind.MAP:
            return _text_in_map(stored, field.path)
        return _text_in_list(stored, field.path)


def _text_in_map(stored: object, path: tuple[str, ...]) -> str | None:
    if not isinstance(stored, dict):
        return None
    whole = stored.get(".".join(path))
    if whole is not None or len(path) == 1:
        return None if whole is None else _text_of(whole)
    first = stored.get(path[0])
    return None if first is None else texts_in(str(first), key_paths(path[1:]))


def _text_in_list(stored: object, path: tuple[str, ...]) -> str | None:
    position = list_position(path[0])
    if not isinstance(stored, list) or position is None or position >= len(stored):
        return None
    element = stored[position]
    if element is None:
        return None
    text = _text_of(element)
    return texts_in(text or "", key_paths(path[1:])) if path[1:] else text


def _text_of(value: object) -> str | None:
    """Return a stored value as the engine's text of it; None for what counts as missing."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() | Decimal():
            number = float(value)
            return None if math.isnan(number) else repr(number)
        case datetime():
            text = value.replace(tzinfo=None).isoformat(sep=" ")
            text = text.rstrip("0") if value.microsecond else text
            return text if value.tzinfo is None else f"{text}+00"
        case date():
            return value.isoformat()
        case list():
            texts = (_text_of(element) for element in value if element is not None)
            return f"[{', '.join(text for text in texts if text is not None)}]"
        case dict():
            members = (
                f"{written_text(str(key))}:{'null' if item is None else written_text(str(item))}"
                for key, item in value.items()
            )
            return "{" + ",".join(members) + "}"
    return str(value)


def _microseconds(moment: datetime) -> int:
    seconds = int(moment.replace(microsecond=0).timestamp())
    return 1_000_000 * seconds + moment.microsecond


_IN_TEXT: Final[dict[Reading, Callable[[str], _Comparable | None]]] = {
    Reading.NUMBER: number_in,
    Reading.BOOLEAN: boolean_in,
    Reading.TIMESTAMP: microseconds_in,
}


def _constant(read: Reading, literal: Literal) -> _Comparable:
    value = literal.value
    if isinstance(value, str):
        found = value if read is Reading.TEXT else _IN_TEXT[read](value)
        if found is None:
            raise ValueError(f"{value!r} is no {read}; bind refuses it")
        return found
    if isinstance(value, bool | int | float):
        return value
    raise TypeError(f"a literal of the filter language is no {literal.type}")


def _folded(text: str) -> str:
    """Fold case as ILIKE does: character by character, each into one."""
    return "".join(character.lower()[0] for character in text)


@lru_cache(maxsize=256)
def _pattern(pattern: str, escape: str | None, ignores_case: bool) -> re.Pattern[str]:
    parts: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if character == escape:
            parts.append(re.escape(_cased(next(characters, ""), ignores_case)))
        elif character == "%":
            parts.append(".*")
        elif character == "_":
            parts.append(".")
        else:
            parts.append(re.escape(_cased(character, ignores_case)))
    return re.compile("".join(parts), re.DOTALL)


def _cased(character: str, ignores_case: bool) -> str:
    return _folded(character) if ignores_case else character
