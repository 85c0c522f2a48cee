"""The statements of a text by their tokens, and texts put into it without touching the rest.

Positions are code points of the text, as Python counts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Final

from sqlglot import Token, TokenType, exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FUNCTION: Final = "spans"

# sqlglot takes this for a comment of a template language; to DuckDB it is something else.
_TEMPLATE_COMMENT: Final = "{#"

_QUERIES: Final = frozenset(
    {"SELECT", "WITH", "FROM", "(", "VALUES", "TABLE", "PIVOT", "UNPIVOT", "DESCRIBE", "SUMMARIZE"}
)
# Beside those, what leaves alone which function, type and order a name of a later statement means.
_HARMLESS: Final = _QUERIES | {
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "COPY",
    "SHOW",
    "DESC",
    "EXPLAIN",
    "PREPARE",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "CHECKPOINT",
    "ANALYZE",
    "VACUUM",
}
_HARMLESS_OBJECTS: Final = frozenset({"TABLE", "VIEW", "INDEX", "SEQUENCE"})
_CREATE_WORDS: Final = frozenset({"CREATE", "OR", "REPLACE", "TEMP", "TEMPORARY", "DROP"})
_HARMFUL_SETTINGS: Final = frozenset({"default_collation", "search_path", "schema"})


# As sqlglot's, but the rest of a statement after EXPLAIN or PREPARE is tokens too.
class _Tokenizer(DuckDB.Tokenizer):
    COMMANDS: ClassVar[set[TokenType]] = set()


def tokenize(text: str) -> list[Token] | None:
    """Return the tokens of a text as DuckDB sees them; None when that is not certain."""
    if _TEMPLATE_COMMENT in text:
        return None
    try:
        return list(_Tokenizer(dialect="duckdb").tokenize(text))
    except SqlglotError:
        return None


def split(tokens: Iterable[Token]) -> list[list[Token]]:
    """Return the tokens of each statement, none of them empty."""
    statements: list[list[Token]] = [[]]
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            statements.append([])
        else:
            statements[-1].append(token)
    return [statement for statement in statements if statement]


def has_call(statement: Sequence[Token]) -> bool:
    """Whether our function is called, or seems to be."""
    return any(
        token.text.lower() == FUNCTION and after.token_type == TokenType.L_PAREN
        for token, after in pairwise(statement)
    )


def changes_meaning(statement: Sequence[Token]) -> bool:
    """Whether names in later statements may mean something else than they do before this one."""
    words = [token.text.upper() for token in statement]
    if words[0] in _HARMLESS:
        return False
    if words[0] in {"CREATE", "DROP"}:
        return next((w for w in words if w not in _CREATE_WORDS), "") not in _HARMLESS_OBJECTS
    if words[0] == "SET":
        return any(word.lower() in _HARMFUL_SETTINGS for word in words)
    return True


def parse(statement: Sequence[Token], text: str) -> exp.Expr | None:
    """Return the tree of a statement that may be rewritten; None for others.

    A view, a macro and a prepared statement outlive what is known today, so they are none.
    """
    body = _without_explain(statement)
    if not _is_rewritable(body):
        return None
    try:
        trees = DuckDB().parser().parse(list(body), text)
    except (SqlglotError, RecursionError):
        return None
    tree = trees[0] if len(trees) == 1 else None
    return None if isinstance(tree, exp.Command) else tree


def _without_explain(statement: Sequence[Token]) -> Sequence[Token]:
    if statement[0].text.upper() != "EXPLAIN":
        return statement
    body = statement[1:]
    if body and body[0].text.upper() == "ANALYZE":
        body = body[1:]
    if len(body) > 1 and body[0].token_type == TokenType.L_PAREN and _is_option(body[1]):
        closing = closing_parenthesis(body, 0)
        body = body[len(body) if closing is None else closing + 1 :]
    return body


# EXPLAIN (FORMAT json) SELECT …, beside EXPLAIN (SELECT …).
def _is_option(token: Token) -> bool:
    return token.text.upper() in {"FORMAT", "ANALYZE"}


def _is_rewritable(body: Sequence[Token]) -> bool:
    words = [token.text.upper() for token in body]
    if not words:
        return False
    if words[0] == "CREATE":
        return next((word for word in words if word not in _CREATE_WORDS), "") == "TABLE"
    if words[0] == "COPY":
        return words[1:2] == ["("]
    return words[0] in _QUERIES or words[0] == "INSERT"


def closing_parenthesis(tokens: Sequence[Token], opening: int) -> int | None:
    """Return the index of the token that closes the parenthesis opened at index `opening`."""
    depth = 0
    for index in range(opening, len(tokens)):
        kind = tokens[index].token_type
        if kind in _OPENING:
            depth += 1
        elif kind in _CLOSING:
            depth -= 1
            if depth == 0:
                return index
    return None


_OPENING: Final = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE})
_CLOSING: Final = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})


@dataclass(frozen=True)
class Edit:
    """A string literal for an argument of a call.

    Attributes:
        start: Where the new text goes.
        end: Up to where it replaces what was there; `start` where nothing is replaced.
        lead: What stands before the literal: a comma and the argument's name, or nothing.
        value: Of the literal.
    """

    start: int
    end: int
    lead: str
    value: str

    @property
    def text(self) -> str:
        """What is put in."""
        escaped = self.value.replace("'", "''")
        return f"{self.lead}'{escaped}'"


def apply(text: str, edits: Sequence[Edit]) -> str | None:
    """Return `text` with every edit made; None if anything else would be read differently.

    Args:
        text: Some statements.
        edits: In the order of the text; none inside another.
    """
    pieces: list[str] = []
    expected: list[tuple[TokenType, str]] = []
    tokens = tokenize(text) or []
    done, seen = 0, 0
    for edit in edits:
        pieces += (text[done : edit.start], edit.text)
        while seen < len(tokens) and tokens[seen].start < edit.start:
            expected.append(_kind_and_text(tokens[seen]))
            seen += 1
        expected += [_kind_and_text(token) for token in tokenize(edit.lead) or ()]
        expected.append((TokenType.STRING, edit.value))
        while seen < len(tokens) and tokens[seen].start < edit.end:
            seen += 1
        done = edit.end
    made = "".join([*pieces, text[done:]])
    expected += [_kind_and_text(token) for token in tokens[seen:]]
    # The same tokens give the same tree, whatever the white space between them.
    found = [_kind_and_text(token) for token in tokenize(made) or ()]
    return made if found == expected else None


def _kind_and_text(token: Token) -> tuple[TokenType, str]:
    return token.token_type, token.text
