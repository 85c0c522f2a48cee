"""What people write out of habits from other languages, and what the filter language has for it."""

from __future__ import annotations

from typing import Final

QUOTABLE: Final = 80
"""The longest piece of a filter that a message repeats."""

OPERATORS: Final = (
    *("=", "!=", "<", "<=", ">", ">="),
    *("IN", "LIKE", "ILIKE", "CONTAINS", "BETWEEN", "IS"),
)
"""The operators that stand after a field."""

STATEMENT: Final = "a filter is the condition alone, without a statement around it"
ARITHMETIC: Final = "arithmetic is not part of the filter language"
_CASTS: Final = "casts are not part of the filter language; fields convert to the value's type"
_PATTERNS: Final = "regular expressions are not part of the filter language; use LIKE or CONTAINS"
_BEGINNING: Final = "write field LIKE 'text%'"
_ENDING: Final = "write field LIKE '%text'"
_WITHIN: Final = "write field CONTAINS 'text'"
_FOLDED: Final = "use ILIKE to ignore case"
_MISSING: Final = "write field IS NULL"
_OR_MISSING: Final = "write OR field IS NULL"

NULL_WORDS: Final = frozenset({"none", "nil", "undefined", "missing"})
"""What a missing value is called elsewhere."""

SYMBOL_HINTS: Final = {
    "&&": "write AND",
    "&": "write AND",
    "||": "write OR",
    "|": "write OR",
    "!": "write NOT",
    "=>": "write >=",
    "=<": "write <=",
    "===": "write =",
    "!==": "write !=",
    "=!": "write !=",
    "<=>": "write =",
    "><": "write !=",
    ";": "a filter is one condition; remove ; and what follows",
    "->": "a key is read with brackets: field['key']",
    "->>": "a key is read with brackets: field['key']",
    "{": "a list is IN ('a', 'b')",
    "\\": "a backslash escapes nothing; a ' inside a text is written twice",
    **dict.fromkeys("+-*/%^", ARITHMETIC),
}
"""By symbol."""

OPERATOR_WORDS: Final = {
    **dict.fromkeys(("equals", "equal", "eq"), "write ="),
    **dict.fromkeys(("ne", "neq"), "write !="),
    **dict.fromkeys(("gt", "after"), "write >"),
    **dict.fromkeys(("ge", "gte", "since"), "write >="),
    **dict.fromkeys(("lt", "before"), "write <"),
    **dict.fromkeys(("le", "lte", "until"), "write <="),
    **dict.fromkeys(("has", "includes"), "write CONTAINS"),
    **dict.fromkeys(("startswith", "starts_with"), "write LIKE 'text%'"),
    **dict.fromkeys(("endswith", "ends_with"), "write LIKE '%text'"),
    **dict.fromkeys(("match", "matches", "regexp", "rlike", "similar", "glob"), _PATTERNS),
}
"""By a word, in lower case, between a field and a value."""

FUNCTION_HINTS: Final = {
    **dict.fromkeys(("lower", "upper", "lcase", "ucase"), _FOLDED),
    **dict.fromkeys(("starts_with", "startswith", "prefix"), _BEGINNING),
    **dict.fromkeys(("ends_with", "endswith", "suffix"), _ENDING),
    **dict.fromkeys(("strpos", "instr", "position"), _WITHIN),
    **dict.fromkeys(("regexp_matches", "regexp_like", "regexp"), _PATTERNS),
    **dict.fromkeys(("cast", "try_cast"), _CASTS),
    **dict.fromkeys(("coalesce", "ifnull", "nvl"), _OR_MISSING),
    "isnull": _MISSING,
    "exists": "subqueries are not part of the filter language; IS NOT NULL tests for a value",
}
"""By the name of a function, in lower case."""

CLAUSES: Final = {
    **dict.fromkeys(
        (*("UNION", "EXCEPT", "INTERSECT"), *("WHERE", "GROUP", "HAVING", "ORDER", "LIMIT")),
        STATEMENT,
    ),
    "AS": "a filter has no aliases",
    "COLLATE": "collations are not part of the filter language; use ILIKE to ignore case",
    "XOR": "write it with AND, OR and NOT",
}
"""By a word, in upper case, after a whole condition."""

# Single and double, left, right and low.
_CURLY: Final = "\u2018\u2019\u201a\u201c\u201d\u201e"


def symbol_hint(symbol: str, *, is_name: bool = False) -> str:
    """Say what is meant by characters that are not of the language, where a name or a value is."""
    if symbol in SYMBOL_HINTS:
        return SYMBOL_HINTS[symbol]
    inner = symbol.strip(f"`${_CURLY}")
    match symbol[:1]:
        case "`":
            return if_short(f'names use double quotes: "{inner}"', "names use double quotes")
        case "$" if inner and symbol.endswith("$"):
            return if_short(f"texts use single quotes: '{inner}'", "texts use single quotes")
        case ":" if symbol.startswith("::"):
            return _CASTS
        case ":" | "?" | "@" | "$" | "%" | "#":
            return "placeholders are not part of the filter language; write the value itself"
        case first if first and first in _CURLY:
            straight = f'"{inner}"' if is_name else f"'{inner}'"
            return if_short(f"use straight quotes: {straight}", "use straight quotes")
        case first if first and not first.isprintable():
            return "remove this invisible character"
    return _PATTERNS if "~" in symbol else ""


def if_short(hint: str, otherwise: str) -> str:
    """Return a hint that repeats a piece of the text if it stays readable, else the other one."""
    return hint if len(hint) <= 2 * QUOTABLE and hint.isprintable() else otherwise
