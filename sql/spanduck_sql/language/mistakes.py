"""What is wrong with a filter, where, and what to write instead: the wording of syntax errors.

Each function is one place of the grammar at which something else was expected; it looks at what
stands there and at its neighbours for the one hint that is worth most. They run once a text, so
they may take their time, but only in proportion to the text.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spanduck_sql.errors import FilterError, FilterErrorCode, near_matches
from spanduck_sql.language.fields import canonical_name, field_type
from spanduck_sql.language.habits import (
    ARITHMETIC,
    CLAUSES,
    FUNCTION_HINTS,
    OPERATOR_WORDS,
    OPERATORS,
    QUOTABLE,
    STATEMENT,
    if_short,
    symbol_hint,
)
from spanduck_sql.language.tokens import Kind, Token

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Place:
    """A token of a text that could not be read further.

    Attributes:
        text: The whole filter.
        tokens: Its tokens.
        at: The index of the token.
    """

    text: str
    tokens: Sequence[Token]
    at: int

    @property
    def token(self) -> Token:
        """The token itself."""
        return self.tokens[self.at]

    def other(self, offset: int) -> Token:
        """Return a neighbour; END beyond the last and before the first."""
        at = self.at + offset
        return self.tokens[at] if 0 <= at < len(self.tokens) else self.tokens[-1]

    def error(
        self,
        message: str,
        hint: str = "",
        code: FilterErrorCode = FilterErrorCode.SYNTAX,
        *,
        at: int | None = None,
        width: int | None = None,
    ) -> FilterError:
        """Return the error at this token, or the one of index `at`, or its first characters."""
        token = self.token if at is None else self.tokens[at]
        return FilterError(
            message,
            next_step=hint,
            text=self.text,
            code=code,
            position=token.position,
            end=token.end if width is None else token.position + width,
        )


def field_expected(place: Place) -> FilterError:
    """A condition begins with something that is neither a field nor a value."""
    token, before = place.token, place.other(-1)
    if token.kind is Kind.END and place.at == 0:
        return place.error("a condition is expected, found only comments")
    if token.kind is Kind.END:
        return place.error(f"a condition is expected after {before.value}")
    if token.kind is Kind.CLOSE and before.kind is Kind.OPEN:
        return place.error("a condition is expected between the parentheses")
    if token.kind is Kind.COMPARISON:
        return place.error("a field is expected before the operator")
    if token.kind in (Kind.TAIL, Kind.DOT):
        return place.error("a name is expected before the dot", width=1)
    if token.kind is Kind.OTHER:
        return place.error(
            f"a condition is expected here, found {shown(token)}",
            symbol_hint(token.value, is_name=True),
        )
    if token.is_one_of("AND", "OR"):
        return place.error(f"a condition is expected before {token.value}")
    if token.is_one_of("TRUE", "FALSE", "NULL"):
        return lone_value(place)
    if token.kind is Kind.KEYWORD:
        word = source(place, token)
        return place.error(
            f"a condition is expected here, found the keyword {token.value}",
            f'to name a field, quote it: "{word}"',
        )
    return place.error(f"a condition is expected here, found {shown(token)}")


def lone_value(place: Place) -> FilterError:
    """A value stands where a condition belongs, and no comparison follows."""
    token = place.token
    value = source(place, token)
    hint = "compare a field with a value"
    operator, field = place.other(1), place.other(2)
    if field.kind in (Kind.NAME, Kind.QUOTED):
        name = source(place, field)
        if operator.kind is Kind.COMPARISON:
            hint = if_short(f"write the field first: {name} = {value.lower()}", hint)
        elif operator.is_one_of("IN", "LIKE", "ILIKE", "CONTAINS"):
            hint = if_short(f"write the field first: {name} CONTAINS {value}", hint)
    return place.error("a value alone is not a condition", hint)


def mirrored_field_expected(place: Place) -> FilterError:
    """A value, a comparison, and then no field."""
    return place.error(
        "a field is expected after the operator", "compare a field with a value, not two values"
    )


def operator_expected(place: Place, first: int) -> FilterError:
    """A field whose first token is `first`, and then no operator."""
    token, before = place.token, place.other(-1)
    field = place.text[place.tokens[first].position : before.end]
    if before.is_one_of("NOT") and place.at - 1 > first:
        return _negation_expected(place)
    message = "an operator is expected after the field"
    if first == 0 and field.upper() == "WHERE":
        return place.error(message, "leave WHERE out: a filter is the condition alone", at=first)
    if first == 0 and field.upper() in ("SELECT", "WITH", "FROM"):
        return place.error("a condition is expected here", STATEMENT, at=first)
    if whole := _spaced_name(place, first):
        hint = if_short(f'a name with spaces needs quotes; quote it: "{whole}"', "quote the name")
        return place.error(message, hint)
    if token.kind is Kind.OPEN:
        return _called(place, field, first)
    if token.kind is Kind.NUMBER and token.value[0] in "+-":
        return place.error(message, ARITHMETIC)
    if token.kind in (Kind.STRING, Kind.NUMBER) or token.is_one_of("TRUE", "FALSE", "NULL"):
        value = source(place, token)
        return place.error(message, if_short(f"write {field} = {value}", "use an operator"))
    if token.kind is Kind.OTHER:
        is_colon = token.value[0] == ":" and not token.value.startswith("::")
        hint = "write = between field and value" if is_colon else symbol_hint(token.value)
        return place.error(f"{message}, found {shown(token)}", hint)
    if token.kind in (Kind.NAME, Kind.QUOTED):
        return place.error(message, _word_hint(place))
    if token.kind is Kind.CLOSE:
        return place.error(message, "parentheses go around whole conditions")
    hint = f"for example {field} IS NOT NULL" if token.kind is Kind.END else ""
    return place.error(message, if_short(hint, ""))


def _negation_expected(place: Place) -> FilterError:
    """NOT after a field, and then no operator that takes it."""
    token = place.token
    hint = "NOT stands before IN, LIKE, ILIKE, CONTAINS and BETWEEN"
    if token.is_one_of("NULL"):
        hint = "write IS NOT NULL"
    elif token.kind in (Kind.STRING, Kind.NUMBER, Kind.COMPARISON):
        hint = "to compare, write !="
    return place.error("an operator is expected after NOT", hint)


_NAME_PIECES: Final = frozenset(
    {Kind.NAME, Kind.TAIL, Kind.NUMBER, Kind.DOT, Kind.OTHER, Kind.OPEN, Kind.CLOSE}
)
_WORD_OPERATORS: Final = ("IS", "NOT", "IN", "LIKE", "ILIKE", "CONTAINS", "BETWEEN")
_GIVEN_NAMES: Final = ("eval.", "evals.", "trace_eval.", "session_eval.", "annotation.")


def _spaced_name(place: Place, first: int) -> str:
    """Return the name that was meant from token `first` to the next operator, or an empty text.

    Words before an operator are one name with spaces, unless each alone is a field: then something
    is missing between them. With other characters between them only the name of an evaluation or
    an annotation is meant, because people give those.
    """
    tokens, end = place.tokens, place.at
    while tokens[end].kind in _NAME_PIECES:
        end += 1
    operator, last = tokens[end], tokens[end - 1]
    is_operator = operator.kind is Kind.COMPARISON or operator.is_one_of(*_WORD_OPERATORS)
    if end == place.at or not is_operator or last.kind not in (Kind.NAME, Kind.TAIL):
        return ""
    begin = tokens[first].position
    name = place.text[begin : last.end]
    if all(tokens[at].kind is Kind.NAME for at in range(place.at, end)):
        both = _is_field(place.text[begin : place.other(-1).end]) and _is_field(last.value)
        return "" if both else name
    return name if name.startswith(_GIVEN_NAMES) and _is_field(name) else ""


def _is_field(name: str) -> bool:
    return field_type(canonical_name(name)) is not None


def _called(place: Place, name: str, first: int) -> FilterError:
    """Something other than contains is called like a function."""
    return place.error(
        f"{cut(name)} is no function of the filter language",
        FUNCTION_HINTS.get(name.lower(), "the only function is contains(field, 'text')"),
        at=first,
    )


def _word_hint(place: Place) -> str:
    """Say what is meant by a second word after a field."""
    word = place.token.value
    if place.token.kind is Kind.QUOTED:
        return "an operator is missing, and string values use single quotes"
    if place.other(1).kind not in (Kind.STRING, Kind.NUMBER, Kind.OPEN):
        return "join conditions with AND or OR"
    if known := OPERATOR_WORDS.get(word.lower()):
        return known
    close = near_matches(word[:QUOTABLE], OPERATORS, limit=1)
    return f"did you mean {close[0]}?" if close else f"the operators are {' '.join(OPERATORS)}"


_JOIN: Final = "join conditions with AND or OR"


def junction_expected(place: Place) -> FilterError:
    """A whole condition, and then neither AND nor OR nor the end."""
    token = place.token
    message = "AND or OR is expected here"
    if token.kind is Kind.CLOSE:
        return place.error("this parenthesis closes nothing", "remove it, or open one before")
    if token.kind is Kind.COMPARISON:
        hint = "one comparison has one operator; join two with AND"
        return place.error(message, hint)
    if token.kind is Kind.OTHER:
        is_comment = token.value[0] == "#" or (token.value == "/" == place.other(1).value)
        hint = "a comment begins with -- or /*" if is_comment else symbol_hint(token.value)
        return place.error(f"{message}, found {shown(token)}", hint)
    return place.error(message, _junction_hint(place))


def _junction_hint(place: Place) -> str:
    """Say what is meant by a token after a whole condition."""
    token, before, after = place.token, place.other(-1), place.other(1)
    touches = token.position == before.end
    is_text = before.kind is Kind.STRING
    if is_text and token.kind is Kind.NAME and touches:
        is_empty = before.value == ""
        return "one ' on each side is enough" if is_empty else "a ' inside a text is written twice"
    if is_text and token.kind is Kind.STRING:
        return "a value is one text; several are IN ('a', 'b')"
    if before.kind is Kind.NUMBER and token.kind is Kind.NUMBER and token.value[0] in "+-":
        is_date = touches and len(before.value) == 4
        return "a date is a text: '2024-05-01'" if is_date else ARITHMETIC
    if token.kind is Kind.COMMA:
        is_grouped = before.kind is Kind.NUMBER and after.kind is Kind.NUMBER
        return "a number has no separators" if is_grouped else "write AND instead of the comma"
    if token.kind is Kind.NAME:
        word = token.value.upper()
        close = near_matches(word[:QUOTABLE], ("AND", "OR"), limit=1)
        return CLAUSES.get(word) or (f"did you mean {close[0]}?" if close else _JOIN)
    return _JOIN


def close_expected(place: Place, opener: int) -> FilterError:
    """A parenthesis is still open, and something else than its end comes."""
    if place.token.kind is Kind.END:
        return place.error("this parenthesis is not closed", "close it with )", at=opener)
    is_list = place.tokens[opener - 1].value in ("IN", "CONTAINS") if opener else False
    if is_list:
        return place.error("a comma or ) is expected here", symbol_hint(place.token.value))
    return junction_expected(place)


def nested_too_deep(place: Place, limit: int) -> FilterError:
    """One more parenthesis or NOT than the limit."""
    return place.error(
        f"conditions are nested more than {limit} deep",
        "parentheses and NOT count; remove those that change nothing",
    )


def keyword_begins_name(place: Place) -> FilterError:
    """A name whose first part is a keyword."""
    name = place.token.value
    word = name.partition(".")[0]
    return place.error(
        f"a name cannot begin with the keyword {word.upper()}",
        if_short(f'quote it: "{name}"', "quote the name"),
    )


def empty_name(place: Place) -> FilterError:
    """Nothing between double quotes."""
    return place.error("a name must not be empty", "texts use single quotes: ''")


def part_expected(place: Place) -> FilterError:
    """A dot, and then no part of a name."""
    after = place.other(1)
    if after.kind in (Kind.DOT, Kind.TAIL):
        message = "a part of the name is missing between two dots"
        return place.error(message, at=place.at + 1, width=1)
    hint = "remove the dot before the bracket" if after.kind is Kind.LEFT_BRACKET else ""
    return place.error("a part of the name is expected after the dot", hint)


def key_expected(place: Place, opener: int) -> FilterError:
    """A bracket, and then no key."""
    token = place.token
    if token.kind is Kind.END:
        return place.error("this bracket is not closed", "close it with ]", at=opener)
    if token.kind is Kind.NAME:
        hint = if_short(f"quote it: ['{token.value}']", "quote it")
        return place.error("a key with dots needs quotes", hint)
    return place.error("a key is expected between the brackets", "for example ['tier'] or [0]")


def bracket_expected(place: Place, opener: int) -> FilterError:
    """A key, and then no closing bracket."""
    return place.error("this bracket is not closed", "close it with ] after the key", at=opener)


def source(place: Place, token: Token) -> str:
    """Return a token as it was written."""
    return place.text[token.position : token.end]


def shown(token: Token) -> str:
    """Describe a token in a message."""
    if token.kind is Kind.END:
        return "the end"
    if token.kind is Kind.STRING:
        return "a text"
    if token.kind is Kind.NUMBER:
        return "a number"
    if token.kind in (Kind.NAME, Kind.QUOTED):
        return "a field name"
    if token.kind is Kind.OPEN:
        return "a parenthesis"
    if token.kind is Kind.LEFT_BRACKET:
        return "a bracket"
    if token.kind is Kind.OTHER and len(token.value) == 1:
        return character(token.value)
    return cut(token.value)


def character(char: str) -> str:
    """Return a character, or what it is called if it cannot be seen."""
    if char.isprintable():
        return char
    return f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip()


def cut(text: str) -> str:
    """Return a text, or its beginning if it is long."""
    return text if len(text) <= QUOTABLE else f"{text[:QUOTABLE]}…"


def named(name: str) -> str:
    """Return a name as it is written in a filter."""
    parts = name.split(".")
    if all(part.isidentifier() for part in parts):
        return name
    return '"' + name.replace('"', '""') + '"'
