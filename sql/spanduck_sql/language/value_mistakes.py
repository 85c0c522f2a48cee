"""What is wrong with the values of a condition, and what to write instead; see `mistakes`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spanduck_sql.errors import FilterError, FilterErrorCode
from spanduck_sql.language.fields import canonical_name, field_type
from spanduck_sql.language.habits import NULL_WORDS, if_short, symbol_hint
from spanduck_sql.language.mistakes import Place, character, close_expected, named, shown, source
from spanduck_sql.language.tokens import Kind, Token

if TYPE_CHECKING:
    from spanduck_sql.expressions import Literal


def value_expected(place: Place, opener: int | None) -> FilterError:
    """An operator, and then no value; `opener` is the parenthesis of the list it belongs to."""
    token, before = place.token, place.other(-1)
    message = "a value is expected here"
    if token.kind is Kind.END:
        if opener is not None:
            return close_expected(place, opener)
        return place.error(
            message, _EXAMPLES.get(before.value, "for example 'text', 5, true or null")
        )
    if token.kind is Kind.CLOSE and before.kind is Kind.OPEN:
        return place.error("the list is empty", "IN needs at least one value")
    if token.kind is Kind.CLOSE and before.kind is Kind.COMMA:
        return place.error("a value is expected after the comma")
    if token.kind is Kind.OPEN and _begins_query(place.other(1)):
        return _subquery(place)
    if token.kind in (Kind.NAME, Kind.QUOTED):
        return _name_for_value(place)
    return place.error(f"{message}, found {shown(token)}", _value_hint(place))


_EXAMPLES: Final = {
    "LIKE": "for example LIKE '%text%'",
    "ILIKE": "for example ILIKE '%text%'",
    "CONTAINS": "for example CONTAINS 'text'",
    "ESCAPE": "for example ESCAPE '#'",
    "BETWEEN": "for example BETWEEN 1 AND 10",
    "AND": "for example BETWEEN 1 AND 10",
}


def _value_hint(place: Place) -> str:
    """Say what is meant by a token that is neither a value nor a name."""
    token, before, after = place.token, place.other(-1), place.other(1)
    if token.kind is Kind.OPEN:
        is_range = before.value == "BETWEEN"
        return "write BETWEEN 1 AND 10" if is_range else "a single value has no parentheses"
    if token.kind is Kind.LEFT_BRACKET:
        return "a list is IN ('a', 'b')"
    if token.kind is Kind.COMPARISON:
        return "one operator is enough"
    if token.is_one_of("NOT") and after.kind is Kind.NAME:
        return _single_quotes(place)
    if token.value in ("+", "-") and after.kind is Kind.NUMBER:
        return if_short(f"write the sign beside the number: {token.value}{after.value}", "")
    return symbol_hint(token.value)


def _begins_query(token: Token) -> bool:
    return token.kind is Kind.NAME and token.value.upper() in ("SELECT", "WITH")


def _subquery(place: Place) -> FilterError:
    return place.error(
        "a value is expected here, found a subquery",
        "list the values: IN ('a', 'b')",
        FilterErrorCode.LITERAL_EXPECTED,
    )


def _name_for_value(place: Place) -> FilterError:
    token, after = place.token, place.other(1)
    message, code = "a value is expected here, found a field name", FilterErrorCode.LITERAL_EXPECTED
    if _begins_query(token):
        return _subquery(place)
    if token.kind is Kind.NAME and after.kind is Kind.OPEN:
        hint = "write the value itself; functions are not part of the filter language"
        return place.error("a value is expected here, found a function", hint, code)
    if token.kind is Kind.NAME and after.kind is Kind.STRING:
        hint = if_short(f"write the text alone: {source(place, after)}", "write the text alone")
        return place.error(message, hint, code)
    if token.kind is Kind.NAME and token.value.lower() in NULL_WORDS:
        return place.error(message, "a missing value is null: write = null or IS NULL", code)
    if token.kind is Kind.NAME and token.value.lower() in ("nan", "inf", "infinity"):
        return place.error(message, "numbers are finite; NaN counts as missing: IS NULL", code)
    if token.kind is Kind.NAME and field_type(canonical_name(token.value)) is not None:
        hint = if_short(
            f"fields cannot be compared with each other; a text is quoted: '{token.value}'",
            "fields cannot be compared with each other",
        )
        return place.error(message, hint, code)
    return place.error(message, _single_quotes(place), code)


def _single_quotes(place: Place) -> str:
    """Say how a text is quoted, with the bare words that stand for one."""
    token = place.token
    meant = token.value
    if token.kind is not Kind.QUOTED:
        meant = place.text[token.position : place.tokens[_end_of_words(place)].end]
    quoted = "'" + meant.replace("'", "''") + "'"
    hint = "string values use single quotes"
    return if_short(f"{hint}: {quoted}", hint)


def _end_of_words(place: Place) -> int:
    """Return the index of the last of the bare words that are meant as one text."""
    tokens, end = place.tokens, place.at
    while tokens[end + 1].kind in (Kind.NAME, Kind.NUMBER) or (
        tokens[end + 1].is_one_of("NOT") and tokens[end + 2].kind is Kind.NAME
    ):
        end += 1
    follows = tokens[end + 1]
    begins_condition = follows.kind is Kind.COMPARISON or (
        follows.kind is Kind.KEYWORD and not follows.is_one_of("AND", "OR")
    )
    return max(place.at, end - 1) if begins_condition else end


def text_expected(place: Place, operator: str) -> FilterError:
    """A value of another kind after an operator that takes text."""
    token = place.token
    value = source(place, token)
    if token.is_one_of("NULL"):
        return place.error(
            f"{operator} takes a text, found null",
            "a missing value is found with IS NULL",
            FilterErrorCode.NULL_COMPARE,
        )
    kind = "boolean" if token.kind is Kind.KEYWORD else "number"
    return place.error(
        f"{operator} takes a text, found a {kind}",
        if_short(f"quote it: '{value}'", "quote it"),
        FilterErrorCode.TYPE_MISMATCH,
    )


def long_escape(place: Place) -> FilterError:
    """An escape of no or several characters."""
    return place.error("ESCAPE takes exactly one character", "for example ESCAPE '#'")


def open_escape(place: Place, escape: str) -> FilterError:
    """A pattern with nothing after its last escape character."""
    shown = character(escape)
    return place.error(
        f"the pattern ends in its escape character {shown}",
        "an escape character stands before the character it makes ordinary",
    )


def null_compared(place: Place, name: str) -> FilterError:
    """NULL after a comparison other than = and !=, or in BETWEEN."""
    return place.error(
        "null has no order, so nothing can be compared with it",
        if_short(f"to keep spans without a value, add OR {named(name)} IS NULL", "use IS NULL"),
        FilterErrorCode.NULL_COMPARE,
    )


def null_in_list(place: Place, name: str) -> FilterError:
    """NULL among the values of IN."""
    return place.error(
        "null cannot be in a list",
        if_short(f"to keep spans without a value, add OR {named(name)} IS NULL", "use IS NULL"),
        FilterErrorCode.NULL_IN_LIST,
    )


def unordered(place: Place) -> FilterError:
    """A boolean where an order is needed."""
    return place.error("true and false have no order", "use = or !=", FilterErrorCode.TYPE_MISMATCH)


def mixed_values(place: Place, first: Literal, where: str) -> FilterError:
    """A value of another kind than the first one beside it."""
    kinds = {str: "texts", float: "numbers", bool: "booleans"}
    return place.error(
        f"{where} holds {kinds[type(first.value)]}, found {shown(place.token)}",
        "write all values alike, all quoted or none",
        FilterErrorCode.TYPE_MISMATCH,
    )


def number_too_large(place: Place) -> FilterError:
    """A number beyond the range of a double."""
    return place.error("this number is too large", "numbers end at about 1.8e308")


def null_expected(place: Place, name: str, *, is_not: bool) -> FilterError:
    """IS or IS NOT, and then no NULL."""
    token = place.token
    message = f"NULL is expected after IS{' NOT' if is_not else ''}"
    if token.kind in (Kind.STRING, Kind.NUMBER) or token.is_one_of("TRUE", "FALSE"):
        value = source(place, token)
        hint = f"to compare, write {named(name)} {'!=' if is_not else '='} {value}"
        return place.error(message, if_short(hint, "to compare, use = or !="))
    return place.error(message, "IS takes NULL or NOT NULL; to compare a value, use = or !=")


def list_expected(place: Place, name: str) -> FilterError:
    """IN, and then no parenthesis."""
    token = place.token
    hint = "for example IN ('a', 'b')"
    if token.kind in (Kind.STRING, Kind.NUMBER):
        hint = if_short(f"write {named(name)} IN ({source(place, token)})", hint)
    return place.error("IN takes a list in parentheses", hint)


def comma_expected(place: Place, opener: int) -> FilterError:
    """A value of a list, and then neither a comma nor the end."""
    if place.token.kind in (Kind.STRING, Kind.NUMBER, Kind.NAME, Kind.QUOTED):
        return place.error("a comma is expected between the values of a list")
    return close_expected(place, opener)


def upper_bound_expected(place: Place, name: str) -> FilterError:
    """BETWEEN with one bound."""
    return place.error(
        "AND is expected between the two values of BETWEEN",
        if_short(f"for example {named(name)} BETWEEN 1 AND 10", "for example BETWEEN 1 AND 10"),
    )


def argument_expected(place: Place, opener: int) -> FilterError:
    """Something else than a field and a comma in contains()."""
    if place.token.kind is Kind.END:
        return close_expected(place, opener)
    return place.error(
        "contains() takes a field and a text",
        "for example contains(attributes.input.value, 'text')",
    )
