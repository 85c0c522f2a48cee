"""The sqlglot nodes that conditions are made of, and what DuckDB needs to read a value as a type.

Nodes are built directly; sqlglot's own builders copy and parse what they get.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, cast

from sqlglot import exp, generator
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.generator import Generator

from spanduck_sql.language.binding import Reading
from spanduck_sql.language.paths import json_path, key_paths
from spanduck_sql.language.values import NUMBER_PATTERN, number_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanduck_sql.expressions import Like, Literal

WRITTEN: Final = "written"
"""Key, in the `meta` of a time in a portable condition, of the text it was written as."""

_Type = exp.DType
# Integers below are doubles exactly, so comparing integers is comparing doubles.
_EXACT: Final = 2**53
# DuckDB turns a decimal of so many digits into the double that the digits say.
_DECIMAL_DIGITS: Final = 15


class ForDuckDB(exp.Expression, exp.Condition):
    """A condition or a value in two spellings: exact for DuckDB, and one that others have."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "exact": True}

    @classmethod
    def of(cls, exact: exp.Expr, plain: exp.Expr) -> ForDuckDB:
        """Return the node that DuckDB writes as `exact`, every other dialect as `plain`."""
        return cls(this=plain, exact=exact)


def _for_duckdb_sql(writer: Generator, node: ForDuckDB) -> str:
    return writer.sql(node, "exact" if isinstance(writer.dialect, DuckDB) else "this")


def _teach_generators() -> None:
    """Let sqlglot's generators, those it has loaded and those it will load, write our node."""
    pending: list[type[Generator]] = [Generator]
    while pending:
        kind = pending.pop()
        kind.TRANSFORMS[ForDuckDB] = _for_duckdb_sql
        # Newer releases keep a copy for each generator that was used.
        getattr(generator, "_DISPATCH_CACHE", {}).get(kind, {})[ForDuckDB] = _for_duckdb_sql
        pending += kind.__subclasses__()


_teach_generators()


def finite_number(text: Callable[[], exp.Expr]) -> exp.Expr:
    """Return the number in a text, NULL for none; `text` makes a node at each call."""

    def value() -> exp.Expr:
        return exp.TryCast(this=text(), to=data_type(_Type.DOUBLE))

    # The cast alone takes more than the language does; with it first, few texts reach the pattern.
    is_finite = exp.Anonymous(this="isfinite", expressions=[value()])
    is_number = exp.Anonymous(
        this="regexp_full_match", expressions=[text(), string(NUMBER_PATTERN)]
    )
    test = exp.And(this=is_finite, expression=is_number)
    return exp.Case(ifs=[exp.If(this=test, true=value())])


def without_nan(value: exp.Expr) -> exp.Expr:
    """Return a number as a double, NULL for NaN."""
    # The cast costs a double nothing, and makes one of a decimal.
    nan = cast_to(string("NaN"), _Type.DOUBLE)
    return exp.Nullif(this=cast_to(value, _Type.DOUBLE), expression=nan)


def boolean_of(text: exp.Expr) -> exp.Expr:
    """Return the boolean that a text names, NULL for none."""
    return exp.Case(
        this=exp.Lower(this=text),
        ifs=[
            exp.If(this=string(name), true=exp.Boolean(this=value))
            for name, value in (("true", True), ("false", False))
        ],
    )


def readings_of(column: exp.Column) -> dict[Reading, tuple[str, ...]]:
    """Return DuckDB's text of what reads a column as one type or another."""
    text = cast_to(column.copy(), _Type.VARCHAR)
    nodes: dict[Reading, tuple[exp.Expr, ...]] = {
        Reading.TEXT: (text,),
        Reading.NUMBER: (
            cast_to(column.copy(), _Type.DOUBLE),
            without_nan(column.copy()),
            finite_number(text.copy),
            exp.TryCast(this=text.copy(), to=data_type(_Type.DOUBLE)),
            exp.TryCast(this=column.copy(), to=data_type(_Type.DOUBLE)),
        ),
        Reading.BOOLEAN: (
            boolean_of(text.copy()),
            exp.TryCast(this=text.copy(), to=data_type(_Type.BOOLEAN)),
            exp.TryCast(this=column.copy(), to=data_type(_Type.BOOLEAN)),
        ),
    }
    return {read: tuple(node.sql("duckdb") for node in made) for read, made in nodes.items()}


def once(value: exp.Expr, build: Callable[[Callable[[], exp.Expr]], exp.Expr]) -> exp.Expr:
    """Return what `build` makes of a value that may be long, without a second copy of it."""
    if isinstance(value, exp.Column) or (
        isinstance(value, exp.Cast) and isinstance(value.this, exp.Column)
    ):
        return build(value.copy)
    name = exp.Identifier(this="text", quoted=False)
    body = build(lambda: exp.Column(this=exp.Identifier(this="text", quoted=False)))
    mapped = exp.Anonymous(
        this="list_transform",
        expressions=[exp.Array(expressions=[value]), exp.Lambda(this=body, expressions=[name])],
    )
    return exp.Anonymous(this="list_extract", expressions=[mapped, number("1")])


def in_document(text: exp.Expr, path: tuple[str, ...]) -> exp.Expr:
    """Return the text of what lies at `path` in a JSON document; NULL where `text` is none."""
    document = exp.TryCast(this=text, to=data_type(_Type.JSON))
    paths = [string(json_path(keys)) for keys in key_paths(path)]
    if len(paths) == 1:
        return exp.Anonymous(this="json_extract_string", expressions=[document, *paths])
    found = exp.Anonymous(
        this="json_extract_string", expressions=[document, exp.Array(expressions=paths)]
    )
    return exp.Anonymous(this="list_any_value", expressions=[found])


def in_map(value: exp.Expr, key: str) -> exp.Expr:
    """Return the text under `key` of a map; NULL where there is none."""
    found = exp.Anonymous(this="map_extract_value", expressions=[value, string(key)])
    return cast_to(found, _Type.VARCHAR)


def operand(value: exp.Expr) -> exp.Expr:
    """Return a node of the caller's as an operand of any operator, apart from its own tree."""
    if value.parent is not None:
        value = value.copy()
    is_closed = isinstance(value, exp.Column | exp.Func | exp.Paren | exp.Literal | exp.Bracket)
    return value if is_closed and not isinstance(value, exp.Binary) else exp.Paren(this=value)


def like(
    text: exp.Expr, pattern: str, escape: str | None, *, ignores_case: bool = False
) -> exp.Expr:
    """Return LIKE or ILIKE."""
    node = (exp.ILike if ignores_case else exp.Like)(this=text, expression=string(pattern))
    return node if escape is None else exp.Escape(this=node, expression=string(escape))


def duckdb_pattern(predicate: Like) -> tuple[str, str | None]:
    r"""Return a pattern and its escape character, of a kind that DuckDB takes as it is meant.

    DuckDB refuses an escape character beyond ASCII, and ILIKE folds the case of one; those become
    backslashes.
    """
    escape = predicate.escape
    if escape is None or (escape.isascii() and not escape.isalpha() and escape not in "%_"):
        return predicate.pattern, escape
    parts: list[str] = []
    characters = iter(predicate.pattern)
    for character in characters:
        if character == escape:
            following = next(characters, "")
            parts.append(f"\\{following}" if following in "%_\\" else following)
        else:
            parts.append("\\\\" if character == "\\" else character)
    return "".join(parts), "\\"


def float_of(literal: Literal) -> float:
    """Return the number of a numeric literal, or of one in quotes."""
    if isinstance(literal.value, str):
        return cast("float", number_in(literal.value))
    return cast("float", literal.value)


def integer_of(literal: Literal) -> int | None:
    """Return the integer that a numeric literal is exactly; None for another."""
    value = float_of(literal)
    return int(value) if abs(value) < _EXACT and value == int(value) else None


def digits(value: float) -> str:
    """Return a number that DuckDB reads as this double and no other."""
    text = repr(float(value))
    if "e" in text or len(text) <= _DECIMAL_DIGITS:
        return text
    return f"{text}e0"


def number(text: str) -> exp.Expr:
    """Return a number by its digits."""
    if text.startswith("-"):
        return exp.Neg(this=exp.Literal(this=text[1:], is_string=False))
    return exp.Literal(this=text, is_string=False)


def string(text: str) -> exp.Literal:
    """Return a text."""
    return exp.Literal(this=text, is_string=True)


def data_type(kind: exp.DType) -> exp.DataType:
    """Return a type without arguments."""
    return exp.DataType(this=kind)


def cast_to(value: exp.Expr, kind: exp.DType) -> exp.Expr:
    """Return CAST."""
    return exp.Cast(this=value, to=exp.DataType(this=kind))
