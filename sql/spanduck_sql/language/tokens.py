"""The tokens of the filter language: one master expression cuts a text into them.

What needs no context is decided here: where a text or a comment ends, what is a number, and that a
dotted name is one token. A character that begins nothing becomes an `OTHER` token, so that the
parser can say what was meant where it stands. Every quantifier that could be tried in two ways is
possessive, so no text takes more than one pass. Comments do not nest: `/* /* */` is a whole one.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple, NoReturn

from spanduck_sql.errors import FilterError, FilterErrorCode
from spanduck_sql.language.habits import QUOTABLE

MAX_TEXT: Final = 65_536
"""Code points in a filter."""

KEYWORDS: Final = frozenset(
    {
        "AND",
        "BETWEEN",
        "CONTAINS",
        "ESCAPE",
        "FALSE",
        "ILIKE",
        "IN",
        "IS",
        "LIKE",
        "NOT",
        "NULL",
        "OR",
        "TRUE",
    }
)
"""Words with a meaning, in any case; a plain part of a name only after a dot or in quotes."""


class Kind(StrEnum):
    """What a token is; its value, unless told, is its text."""

    NAME = "name"
    """A word, or words and digits joined by dots."""
    TAIL = "tail"
    """The rest of a name from a dot on; the value begins with the dot. Also the number `.5`."""
    QUOTED = "quoted"
    """A name in double quotes; the value is without them."""
    STRING = "string"
    """A text in single quotes; the value is without them."""
    NUMBER = "number"
    KEYWORD = "keyword"
    """The value is in upper case."""
    COMPARISON = "comparison"
    OPEN = "("
    CLOSE = ")"
    COMMA = ","
    LEFT_BRACKET = "["
    RIGHT_BRACKET = "]"
    DOT = "."
    """One that no plain part of a name follows."""
    OTHER = "other"
    """Nothing of the language."""
    END = "end"


class Token(NamedTuple):
    """A piece of a text, from offset `position` to before offset `end`."""

    kind: Kind
    value: str
    position: int
    end: int

    def is_one_of(self, *keywords: str) -> bool:
        """Tell whether it is one of the keywords."""
        return self.kind is Kind.KEYWORD and self.value in keywords


# A letter or `_`, then letters, digits, `_` and single hyphens. `[^\W\d]` lets in a few numerals
# that are no letters, such as `²`; `_check_letters` puts them out again.
_WORD: Final = r"[^\W\d]\w*+(?:-\w++)*+"
_PART: Final = rf"(?:{_WORD}|[0-9]++(?!\w))"
_CURLY: Final = r"[\u2018\u2019\u201a\u201c\u201d\u201e]"
_GAP: Final = r"(?:\s++|--[^\r\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)*+"

_TOKEN: Final = re.compile(
    rf"""
      (?P<NAME>{_WORD}(?:\.{_PART})*+)
    | (?P<SKIP>(?:\s++|--[^\r\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)++)
    | (?P<STRING>'[^']*+(?:''[^']*+)*+')
    | (?P<COMPARISON>(?:==?|!=|<>|<=?|>=?)(?![=<>!~]))
    | (?P<TAIL>\.{_GAP}{_PART}(?:{_GAP}\.{_GAP}{_PART})*+)
    | (?P<NUMBER>[+-]?(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?+(?![\w.]))
    | (?P<QUOTED>"[^"]*+(?:""[^"]*+)*+")
    | (?P<OPEN>\() | (?P<CLOSE>\)) | (?P<COMMA>,) | (?P<LEFT_BRACKET>\[) | (?P<RIGHT_BRACKET>\])
    | (?P<UNCLOSED>['"]|/\*)
    | (?P<MALFORMED>[+-]?\.?[0-9][\w.]*+)
    | (?P<DOT>\.)
    | (?P<OTHER>[=<>!~&|]++ | ->>? | ::?\w*+ | [$@\#%]++\w*+\$*+ | `[^`\n]*+`?+
        | {_CURLY}[^'"\n\u2018\u2019\u201c\u201d]*+{_CURLY}?+ | (?s:.))
    """,
    re.VERBOSE,
)
_GAPS: Final = re.compile(_GAP)
_KIND_BY_GROUP: Final = {kind.name: kind for kind in Kind}


def lex(text: str) -> list[Token]:
    """Return the tokens of `text`, the last of which is END, right after the one before it.

    Raises:
        FilterError: Of code `empty`, or `syntax` for a text that is too long or has no UTF-8, a
            quote or a comment that is not closed, and a malformed number.
    """
    _check_whole(text)
    tokens: list[Token] = []
    append = tokens.append
    is_plain = text.isascii()
    for match in _TOKEN.finditer(text):
        group = match.lastgroup
        if group == "SKIP":
            continue
        position, end = match.span()
        value = text[position:end]
        if group == "NAME":
            if not is_plain:
                _check_letters(value, text, position)
            if is_keyword(value):
                append(Token(Kind.KEYWORD, value.upper(), position, end))
            else:
                append(Token(Kind.NAME, value, position, end))
        elif group == "STRING":
            append(Token(Kind.STRING, value[1:-1].replace("''", "'"), position, end))
        elif group == "QUOTED":
            append(Token(Kind.QUOTED, value[1:-1].replace('""', '"'), position, end))
        elif group == "TAIL":
            if not is_plain:
                _check_letters(value, text, position)
            append(Token(Kind.TAIL, _GAPS.sub("", value), position, end))
        elif group == "UNCLOSED":
            _refuse_unclosed(text, position)
        elif group == "MALFORMED":
            _refuse_number(text, position, end)
        else:
            append(Token(_KIND_BY_GROUP[group or "OTHER"], value, position, end))
    end = tokens[-1].end if tokens else len(text) - len(text.lstrip())
    append(Token(Kind.END, "", end, end))
    return tokens


def is_keyword(word: str) -> bool:
    """Tell whether `word` is a keyword, in whatever case."""
    # Upper case makes ASCII letters of a few others, such as the dotless i.
    return word.upper() in KEYWORDS and word.isascii()


def _check_whole(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise FilterError(
            f"the filter has {len(text):,} characters; the limit is {MAX_TEXT:,}",
            next_step="split it, or join the spans with a table of the values",
            text=text,
            code=FilterErrorCode.SYNTAX,
        )
    if not text or text.isspace():
        raise FilterError("filter must not be empty", text=text, code=FilterErrorCode.EMPTY)
    if not text.isascii():
        _check_characters(text)


def _check_characters(text: str) -> None:
    """Refuse half of a surrogate pair: no service can be sent one, and DuckDB takes none."""
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise FilterError(
            f"U+{ord(text[exc.start]):04X} is half of a surrogate pair, and no character",
            next_step="write the character whole",
            text=text,
            code=FilterErrorCode.SYNTAX,
            position=exc.start,
        ) from None


def _check_letters(name: str, text: str, position: int) -> None:
    """Refuse a part that begins with a numeral; `re` takes a few of them for letters."""
    for part in name.split("."):
        word = part.lstrip()
        if word and not (word[0].isalpha() or word[0].isascii()):
            at = text.index(word[0], position)
            raise FilterError(
                f"a name cannot begin with {word[0]!r}",
                next_step="put the name in double quotes",
                text=text,
                code=FilterErrorCode.SYNTAX,
                position=at,
            )


def _refuse_unclosed(text: str, position: int) -> NoReturn:
    what, hint = {
        "'": ("this text is not closed", "close it with '; a ' inside a text is written twice: ''"),
        '"': ("this name is not closed", 'close it with "; a " inside a name is written twice: ""'),
        "/": ("this comment is not closed", "close it with */"),
    }[text[position]]
    raise FilterError(
        what,
        next_step=hint,
        text=text,
        code=FilterErrorCode.SYNTAX,
        position=position,
        end=position + (2 if text[position] == "/" else 1),
    )


def _refuse_number(text: str, position: int, end: int) -> NoReturn:
    found = text[position:end]
    shown = found if len(found) <= QUOTABLE else f"{found[:QUOTABLE]}…"
    message, hint = f"{shown} is not a number", "a number is digits, with a dot or an exponent"
    if found[0] == "." and re.match(r'[\w"\]]', text[position - 1 : position]):
        message, hint = "a part of a name cannot begin with a digit", "quote the whole name"
    elif re.fullmatch(r"[+-]?[0-9]{1,20}(?:_[0-9]{1,20}){1,9}(?:\.[0-9]{0,20})?", found):
        hint = f"write it without separators: {found.replace('_', '')}"
    elif re.fullmatch(r"[+-]?0[xX][0-9a-fA-F]{1,13}", found):
        hint = f"write it in decimal: {int(found, 16)}"
    elif re.fullmatch(r"[+-]?[0-9.]{1,20}[a-zA-Z]{1,8}", found):
        hint = "a number has no unit, and a space before the next word"
    raise FilterError(
        message,
        next_step=hint,
        text=text,
        code=FilterErrorCode.SYNTAX,
        position=position,
        end=end,
    )
