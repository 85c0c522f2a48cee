"""The `spans(...)` calls of a statement: their arguments, and where a filter goes in the text."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sqlglot import Token, TokenType, exp

from spanduck_sql.rewriting.joins import set_parts
from spanduck_sql.rewriting.statements import FUNCTION, Edit, closing_parenthesis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

_PARAMETERS: Final = frozenset(
    {"project", "start_time", "end_time", "filter", "columns", "sample_rate", "space"}
)
# Parts of a call in FROM beside the function itself that do not change what its columns are.
_PLAIN_PARTS: Final = frozenset({"this", "db", "catalog", "alias", "joins", "sample", "pivots"})

_ASCII_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def folded(name: str) -> str:
    """Return what DuckDB compares names by: only the letters A to Z have two cases for it."""
    return name.translate(_ASCII_LOWER)


@dataclass(frozen=True)
class SpansCall:
    """A call whose arguments are known from the text.

    Attributes:
        project: The project.
        space: The space; None when the call names none.
        qualifier: What stands before the function's name: a schema, or a database and a schema.
        given: The caller's own filter, empty for none.
    """

    project: str
    space: str | None = None
    qualifier: tuple[str, ...] = ()
    given: str = ""


@dataclass(eq=False)
class Call:
    """One call, as long as its statement is being rewritten.

    Attributes:
        table: Its place in the FROM.
        project: The project's name; None when it is no literal.
        given: The caller's own filter.
        asked: Its arguments; None when it is left alone.
        columns: What `columns :=` names; None for all.
        takes_sample: Whether the service sends a share of the traces only.
        place: Where the filter's literal goes, up to where it replaces what is there, and what
            stands before it.
        reason: Why it is left alone; empty when it is not.
        schema: The project's columns; set when they are known.
        types: Types of those columns, by SQL name.
        name_by_folded: SQL names that a statement may use, by their folded forms.
    """

    table: exp.Table
    project: str | None
    given: str
    asked: SpansCall | None
    columns: tuple[str, ...] | None
    takes_sample: bool
    place: tuple[int, int, str]
    reason: str
    schema: pa.Schema | None = None
    types: Mapping[str, pa.DataType] = field(default_factory=dict)
    name_by_folded: Mapping[str, str] = field(default_factory=dict)

    def know(self, schema: pa.Schema) -> None:
        """Take the project's columns, of which `columns :=` may leave only some."""
        self.schema = schema
        self.types = {item.name: item.type for item in schema}
        chosen = None if self.columns is None else {name.lower() for name in self.columns}
        self.name_by_folded = {
            folded(name): name for name in schema.names if chosen is None or name.lower() in chosen
        }

    def edit(self, value: str) -> Edit:
        """Return how `value` becomes the call's filter."""
        start, end, lead = self.place
        return Edit(start, end, lead, value)


def find_calls(tree: exp.Expr, tokens: Sequence[Token]) -> list[Call]:
    """Return the calls of a statement in the order of the text."""
    starts = [token.start for token in tokens]
    found: list[tuple[int, Call]] = []
    for table in tree.find_all(exp.Table):
        function = table.this
        if isinstance(function, exp.Anonymous) and folded(function.name) == FUNCTION:
            position = _position(function)
            found.append((position, _read(table, function, tokens, bisect_left(starts, position))))
    return [call for _, call in sorted(found, key=lambda pair: pair[0])]


def _position(function: exp.Anonymous) -> int:
    name = function.this
    meta = name.meta if isinstance(name, exp.Identifier) else function.meta
    start = meta.get("start", -1)
    return start if isinstance(start, int) else -1


def _read(table: exp.Table, function: exp.Anonymous, tokens: Sequence[Token], index: int) -> Call:
    arguments, reason = _arguments(function)
    project, given = _text(arguments.get("project")), _text(arguments.get("filter")) or ""
    place = _place(tokens, index, has_filter="filter" in arguments)
    reason = reason or _obstacle(arguments)
    if not reason and (place is None or not set_parts(table) <= _PLAIN_PARTS):
        reason = "the call is written in a way that is not understood"
    parts = [table.args.get("catalog"), table.args.get("db")]
    qualifier = tuple(part.name for part in parts if part)
    space = _text(arguments.get("space"))
    return Call(
        table=table,
        project=project,
        given=given,
        asked=None if reason or project is None else SpansCall(project, space, qualifier, given),
        columns=_texts(arguments.get("columns")),
        takes_sample=_is_given(arguments.get("sample_rate")),
        place=place or (0, 0, ""),
        reason=reason,
    )


def _obstacle(arguments: Mapping[str, exp.Expr]) -> str:
    if _text(arguments.get("project")) is None:
        return "the project is no text literal"
    for name in ("filter", "space"):
        if _is_given(arguments.get(name)) and _text(arguments.get(name)) is None:
            return f"{name} := is no text literal"
    if _text(arguments.get("filter")) == "":
        return "filter := '' is no filter"
    if _is_given(arguments.get("columns")) and _texts(arguments.get("columns")) is None:
        return "columns := is no list of text literals"
    return ""


def _arguments(function: exp.Anonymous) -> tuple[dict[str, exp.Expr], str]:
    arguments: dict[str, exp.Expr] = {}
    for index, argument in enumerate(function.expressions):
        if isinstance(argument, exp.PropertyEQ | exp.Kwarg):
            name, value = folded(argument.this.name), argument.expression
        elif index == 0:
            name, value = "project", argument
        else:
            return arguments, "an argument after the project has no name"
        if name in arguments or name not in _PARAMETERS:
            return arguments, f"its arguments are not those of {FUNCTION}(…)"
        arguments[name] = value
    return arguments, ""


def _is_given(value: exp.Expr | None) -> bool:
    return value is not None and not isinstance(value, exp.Null)


def _text(value: exp.Expr | None) -> str | None:
    if isinstance(value, exp.RawString) or (isinstance(value, exp.Literal) and value.is_string):
        return str(value.this)
    return None


def _texts(value: exp.Expr | None) -> tuple[str, ...] | None:
    if not isinstance(value, exp.Array):
        return None
    texts = [_text(item) for item in value.expressions]
    return None if None in texts else tuple(text for text in texts if text is not None)


def _place(tokens: Sequence[Token], index: int, *, has_filter: bool) -> tuple[int, int, str] | None:
    opening = index + 1
    if opening >= len(tokens) or tokens[opening].token_type != TokenType.L_PAREN:
        return None
    if folded(tokens[index].text) != FUNCTION:
        return None
    closing = closing_parenthesis(tokens, opening)
    if closing is None:
        return None
    if not has_filter:
        at = tokens[closing].start
        lead = "" if tokens[closing - 1].token_type == TokenType.COMMA else ", "
        return at, at, f"{lead}filter := "
    return _value_place(tokens, opening, closing)


def _value_place(
    tokens: Sequence[Token], opening: int, closing: int
) -> tuple[int, int, str] | None:
    depth = 0
    for index in range(opening, closing - 2):
        kind = tokens[index].token_type
        depth += kind in _OPENS
        depth -= kind in _CLOSES
        names_filter = depth == 1 and folded(tokens[index].text) == "filter"
        if names_filter and tokens[index + 1].token_type in _ASSIGNS:
            value = tokens[index + 2]
            if tokens[index + 3].token_type not in {TokenType.COMMA, TokenType.R_PAREN}:
                return None
            return value.start, value.end + 1, ""
    return None


_OPENS: Final = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE})
_CLOSES: Final = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})
_ASSIGNS: Final = frozenset({TokenType.COLON_EQ, TokenType.FARROW})
