"""Why a condition in SQL has no counterpart in the filter language, in words for its author."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp
from sqlglot.errors import SqlglotError

if TYPE_CHECKING:
    from collections.abc import Iterator

_IN_SOURCE: Final = "conditions with {} are no part of the filter language"
_SAID_OF: Final[tuple[tuple[type[exp.Expr] | tuple[type[exp.Expr], ...], str], ...]] = (
    ((exp.Query, exp.Subquery, exp.Exists), _IN_SOURCE.format("a subquery")),
    (
        (exp.Placeholder, exp.Parameter),
        "the value of a parameter is not known when the filter is written",
    ),
    (
        (exp.NullSafeEQ, exp.NullSafeNEQ),
        "IS [NOT] DISTINCT FROM answers for missing values what the service may not",
    ),
    (exp.Collate, _IN_SOURCE.format("COLLATE")),
    (exp.Case, _IN_SOURCE.format("CASE")),
    (exp.Coalesce, "coalesce(…) answers for missing values what the service may not"),
    (
        (exp.JSONExtract, exp.JSONExtractScalar, exp.Bracket, exp.Dot),
        "how a filter reads inside a value is not documented by the service",
    ),
)
_TIME_TYPES: Final = frozenset(
    {exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ, exp.DType.TIMESTAMPTZ}
)


def reason_of(node: exp.Expr) -> str:
    """Return why `node`, which was not read, stays with the engine, in one sentence."""
    for kinds, reason in _SAID_OF:
        if node.find(*(kinds if isinstance(kinds, tuple) else (kinds,))):
            return reason
    functions = list(dict.fromkeys(_functions(node)))
    if functions:
        prefix = f"{_OPERATORS[type(node)]} with " if type(node) in _OPERATORS else ""
        return f"{prefix}{functions[0]}(…) is no part of the filter language"
    if any(cast.to.this in _TIME_TYPES for cast in node.find_all(exp.Cast)):
        return "the session's time zone decides which instant a time without a zone is"
    if node.find(exp.Cast):
        return "a cast is no part of the filter language; compare the column as it is"
    if node.find(exp.Null):
        return "a comparison with NULL is never true; IS NULL asks whether there is a value"
    if isinstance(node, exp.Binary) and node.left.find(exp.Column) and node.right.find(exp.Column):
        return "two columns cannot be compared in a filter"
    if node.find(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.DPipe, exp.Concat):
        return "arithmetic is no part of the filter language; move it to the constant"
    if not node.find(exp.Column):
        return "it says nothing about a column of the spans"
    return "the filter language has no such condition on a column of the spans"


_OPERATORS: Final[dict[type[exp.Expr], str]] = {
    exp.Like: "LIKE",
    exp.ILike: "ILIKE",
    exp.In: "IN",
    exp.Between: "BETWEEN",
    exp.Contains: "contains(…)",
}


def _functions(node: exp.Expr) -> Iterator[str]:
    for inner in node.find_all(exp.Func):
        if isinstance(inner, exp.Anonymous):
            yield str(inner.this).lower()
        elif not isinstance(inner, exp.Connector | exp.Cast | exp.Case | exp.Contains):
            yield _name(inner)


def _name(function: exp.Func) -> str:
    text = sql_of(function)
    name = text.partition("(")[0].strip().lower()
    return name if name.isidentifier() else type(function).__name__.lower()


def sql_of(node: exp.Expr) -> str:
    """Return the text of `node`, without comments."""
    try:
        return node.sql("duckdb", comments=False)
    except (RecursionError, SqlglotError):
        return f"… ({type(node).__name__})"
