"""Text to tree: a recursive descent over the tokens, one function for each rule of the grammar.

What the text alone shows is settled here, besides the structure: `= null` becomes a test for a
missing value, a value on the left changes sides, a field gets its one name, and values that fit no
field at all are refused. What a field takes is for `binding`. The wording of errors is in
`mistakes` and `value_mistakes`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from spanduck_sql.expressions import (
    Between,
    Compare,
    Comparison,
    Contains,
    In,
    IsNull,
    Like,
    Literal,
    Not,
    Predicate,
    Span,
    all_of,
    any_of,
)
from spanduck_sql.language import mistakes, value_mistakes
from spanduck_sql.language.fields import canonical_name
from spanduck_sql.language.mistakes import Place
from spanduck_sql.language.tokens import Kind, Token, is_keyword, lex

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_NESTING: Final = 100
"""Parentheses and NOT around one condition, counted together."""

TEXT: Final = "VARCHAR"
NUMBER: Final = "DOUBLE"
BOOLEAN: Final = "BOOLEAN"

_COMPARISON: Final[Mapping[str, Comparison]] = {
    **{op.value: op for op in Comparison},
    "==": Comparison.EQ,
    "<>": Comparison.NE,
}
_MIRRORED: Final = {
    Comparison.LT: Comparison.GT,
    Comparison.LE: Comparison.GE,
    Comparison.GT: Comparison.LT,
    Comparison.GE: Comparison.LE,
}
_NAMES: Final = (Kind.NAME, Kind.QUOTED)
_CONTINUING: Final = (Kind.TAIL, Kind.DOT, Kind.LEFT_BRACKET)
_EQUALITIES: Final = frozenset({Comparison.EQ, Comparison.NE})


def parse(text: str) -> Predicate:
    """Return the tree of a filter: canonical names, literals of VARCHAR, DOUBLE and BOOLEAN.

    Every leaf and literal knows its span in `text`.

    Raises:
        FilterError: With the place and a hint; nothing else is raised, whatever the text.

    Example:
        >>> print(parse("span.status_code = 'ERROR' AND 1000 <= latency_ms"))
        ("status_code" = 'ERROR' AND "latency_ms" >= 1000.0)
    """
    return _Parser(text).whole()


class _Parser:
    __slots__ = ("_at", "_text", "_tokens")

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = lex(text)
        self._at = 0

    def whole(self) -> Predicate:
        tree = self._disjunction(0)
        if self._tokens[self._at].kind is not Kind.END:
            raise mistakes.junction_expected(self._place())
        return tree

    def _place(self, at: int | None = None) -> Place:
        return Place(self._text, self._tokens, self._at if at is None else at)

    def _keyword(self) -> str:
        """Return the keyword that comes next, or an empty text."""
        token = self._tokens[self._at]
        return token.value if token.kind is Kind.KEYWORD else ""

    def _disjunction(self, depth: int) -> Predicate:
        alternatives: list[Predicate] = []
        terms = [self._term(depth)]
        while keyword := self._keyword():
            if keyword == "OR":
                alternatives.append(all_of(terms))
                terms = []
            elif keyword != "AND":
                break
            self._at += 1
            terms.append(self._term(depth))
        alternatives.append(all_of(terms))
        return any_of(alternatives)

    def _term(self, depth: int) -> Predicate:
        opener = self._at
        token = self._tokens[opener]
        is_not = token.is_one_of("NOT")
        if not is_not and token.kind is not Kind.OPEN:
            return self._condition()
        if depth == MAX_NESTING:
            raise mistakes.nested_too_deep(self._place(), MAX_NESTING)
        self._at += 1
        if is_not:
            return Not(self._term(depth + 1))
        tree = self._disjunction(depth + 1)
        if self._tokens[self._at].kind is not Kind.CLOSE:
            raise mistakes.close_expected(self._place(), opener)
        self._at += 1
        return tree

    def _condition(self) -> Predicate:
        token = self._tokens[self._at]
        if token.kind in _NAMES:
            return self._after_field(self._at, *self._field())
        if token.kind is Kind.STRING or _is_number(token):
            return self._mirrored()
        if self._keyword() == "CONTAINS" and self._tokens[self._at + 1].kind is Kind.OPEN:
            return self._call()
        raise mistakes.field_expected(self._place())

    def _after_field(self, first: int, name: str, span: Span) -> Predicate:
        kind, value, *_ = self._tokens[self._at]
        if kind is Kind.COMPARISON:
            self._at += 1
            return self._comparison(_COMPARISON[value], name, span)
        if kind is not Kind.KEYWORD:
            raise mistakes.operator_expected(self._place(), first)
        self._at += 1
        if value == "IS":
            return self._null_test(name, span)
        if value != "NOT":
            return self._operator(value, first, name, span)
        negated = self._keyword()
        self._at += 1 if negated else 0
        return Not(self._operator(negated, first, name, span))

    def _operator(self, keyword: str, first: int, name: str, span: Span) -> Predicate:
        """Read the rest of a condition whose operator is the keyword just read."""
        if keyword == "IN":
            return self._membership(name, span)
        if keyword == "CONTAINS":
            return Contains(name, self._text_value("CONTAINS"), span)
        if keyword in ("LIKE", "ILIKE"):
            return self._like(name, span, ignores_case=keyword == "ILIKE")
        if keyword == "BETWEEN":
            return self._between(name, span)
        at = self._at - 1 if keyword else self._at
        raise mistakes.operator_expected(self._place(at), first)

    def _comparison(self, op: Comparison, name: str, span: Span) -> Predicate:
        at = self._at
        literal = self._value()
        if literal is None:
            if op not in _EQUALITIES:
                raise value_mistakes.null_compared(self._place(at), name)
            return IsNull(name, span) if op is Comparison.EQ else Not(IsNull(name, span))
        if literal.type == BOOLEAN and op not in _EQUALITIES:
            raise value_mistakes.unordered(self._place(at))
        return Compare(op, name, literal, span)

    def _mirrored(self) -> Predicate:
        at = self._at
        literal = self._value()
        kind, value, *_ = self._tokens[self._at]
        if kind is not Kind.COMPARISON or literal is None:
            raise mistakes.lone_value(self._place(at))
        self._at += 1
        if self._tokens[self._at].kind not in _NAMES:
            raise mistakes.mirrored_field_expected(self._place())
        name, span = self._field()
        op = _COMPARISON[value]
        return Compare(_MIRRORED.get(op, op), name, literal, span)

    def _null_test(self, name: str, span: Span) -> Predicate:
        is_not = self._keyword() == "NOT"
        self._at += is_not
        if self._keyword() != "NULL":
            raise value_mistakes.null_expected(self._place(), name, is_not=is_not)
        self._at += 1
        return Not(IsNull(name, span)) if is_not else IsNull(name, span)

    def _membership(self, name: str, span: Span) -> Predicate:
        opener = self._at
        if self._tokens[opener].kind is not Kind.OPEN:
            raise value_mistakes.list_expected(self._place(), name)
        literals: list[Literal] = []
        while True:
            at = self._at = self._at + 1
            literal = self._value(opener=opener)
            if literal is None:
                raise value_mistakes.null_in_list(self._place(at), name)
            if literals and literal.type != literals[0].type:
                raise value_mistakes.mixed_values(self._place(at), literals[0], "the list")
            literals.append(literal)
            kind = self._tokens[self._at].kind
            if kind is Kind.CLOSE:
                self._at += 1
                return In(name, tuple(literals), span)
            if kind is not Kind.COMMA:
                raise value_mistakes.comma_expected(self._place(), opener)

    def _between(self, name: str, span: Span) -> Predicate:
        low = self._bound(name)
        if self._keyword() != "AND":
            raise value_mistakes.upper_bound_expected(self._place(), name)
        self._at += 1
        at = self._at
        high = self._bound(name)
        if high.type != low.type:
            raise value_mistakes.mixed_values(self._place(at), low, "BETWEEN")
        return Between(name, low, high, span)

    def _bound(self, name: str) -> Literal:
        at = self._at
        literal = self._value()
        if literal is None:
            raise value_mistakes.null_compared(self._place(at), name)
        if literal.type == BOOLEAN:
            raise value_mistakes.unordered(self._place(at))
        return literal

    def _like(self, name: str, span: Span, *, ignores_case: bool) -> Predicate:
        at = self._at
        pattern = self._text_value("ILIKE" if ignores_case else "LIKE")
        escape = None
        if self._keyword() == "ESCAPE":
            self._at += 1
            escape = self._text_value("ESCAPE")
            if len(escape) != 1:
                raise value_mistakes.long_escape(self._place(self._at - 1))
            if _ends_escaped(pattern, escape):
                raise value_mistakes.open_escape(self._place(at), escape)
        return Like(name, pattern, escape, ignores_case, span)

    def _call(self) -> Predicate:
        opener = self._at + 1
        self._at += 2
        if self._tokens[self._at].kind not in _NAMES:
            raise value_mistakes.argument_expected(self._place(), opener)
        name, span = self._field()
        if self._tokens[self._at].kind is not Kind.COMMA:
            raise value_mistakes.argument_expected(self._place(), opener)
        self._at += 1
        text = self._text_value("contains()")
        if self._tokens[self._at].kind is not Kind.CLOSE:
            raise mistakes.close_expected(self._place(), opener)
        self._at += 1
        return Contains(name, text, span)

    def _text_value(self, operator: str) -> str:
        at = self._at
        literal = self._value()
        if literal is None or not isinstance(literal.value, str):
            raise value_mistakes.text_expected(self._place(at), operator)
        return literal.value

    def _value(self, *, opener: int | None = None) -> Literal | None:
        """Read a value; None for NULL. `opener` is the parenthesis of the list it stands in."""
        at = self._at
        token = self._tokens[at]
        kind, value, position, end = token
        self._at = at + 1
        span = (position, end)
        if kind is Kind.STRING:
            return Literal(value, TEXT, span)
        if _is_number(token):
            number = float(value)
            if math.isinf(number):
                raise value_mistakes.number_too_large(self._place(at))
            return Literal(number, NUMBER, span)
        if kind is Kind.KEYWORD:
            if value == "NULL":
                return None
            if value in ("TRUE", "FALSE"):
                return Literal(value == "TRUE", BOOLEAN, span)
        raise value_mistakes.value_expected(self._place(at), opener)

    def _field(self) -> tuple[str, Span]:
        """Read a field whose first token is a name, plain or quoted."""
        token = self._tokens[self._at]
        name = token.value
        if token.kind is Kind.NAME:
            if "." in name and is_keyword(name.partition(".")[0]):
                raise mistakes.keyword_begins_name(self._place())
        elif not name:
            raise mistakes.empty_name(self._place())
        self._at += 1
        position, end = token.position, token.end
        if self._tokens[self._at].kind in _CONTINUING:
            parts = [name]
            while (token := self._tokens[self._at]).kind in _CONTINUING:
                parts.append(self._continuation(token))
            name = ".".join(parts)
            end = self._tokens[self._at - 1].end
        return canonical_name(name), (position, end)

    def _continuation(self, token: Token) -> str:
        """Read the next part of a name: `.plain.parts`, `."quoted"` or `[key]`."""
        at = self._at
        if token.kind is Kind.TAIL:
            self._at += 1
            return token.value[1:]
        part = self._tokens[at + 1]
        if token.kind is Kind.DOT:
            if part.kind is not Kind.QUOTED:
                raise mistakes.part_expected(self._place(at))
            if not part.value:
                raise mistakes.empty_name(self._place(at + 1))
            self._at += 2
            return part.value
        if not _is_key(part):
            raise mistakes.key_expected(self._place(at + 1), at)
        if self._tokens[at + 2].kind is not Kind.RIGHT_BRACKET:
            raise mistakes.bracket_expected(self._place(at + 2), at)
        self._at += 3
        # A keyword is a plain word here; its token tells it in upper case.
        is_keyword = part.kind is Kind.KEYWORD
        return self._text[part.position : part.end] if is_keyword else part.value


def _is_number(token: Token) -> bool:
    # After a value's place `.5` is a number; the lexer took it for a part of a name, which may
    # have white space after its dot.
    return token.kind is Kind.NUMBER or (
        token.kind is Kind.TAIL
        and token.value[1:].isdecimal()
        and len(token.value) == token.end - token.position
    )


def _is_key(token: Token) -> bool:
    match token.kind:
        case Kind.STRING | Kind.KEYWORD:
            return True
        case Kind.QUOTED:
            return token.value != ""
        case Kind.NAME:
            return "." not in token.value
        case Kind.NUMBER:
            return token.value.isdecimal()
    return False


def _ends_escaped(pattern: str, escape: str) -> bool:
    """Tell whether the last character is an escape character with nothing to escape."""
    at = pattern.find(escape)
    while at >= 0:
        if at == len(pattern) - 1:
            return True
        at = pattern.find(escape, at + 2)
    return False
