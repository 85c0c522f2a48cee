"""One text in both directions: a filter as SQL, and what of a SQL condition is a filter.

For people and programs that have a text and no project at hand; with one, its columns decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, ParseError, SqlglotError

from spanduck_sql.errors import FilterError, FilterErrorCode, did_you_mean
from spanduck_sql.expressions import conjuncts
from spanduck_sql.language.binding import bind
from spanduck_sql.language.fields import FieldType, canonical_name, field_type
from spanduck_sql.language.generate import condition
from spanduck_sql.language.parser import parse
from spanduck_sql.language.printer import to_text
from spanduck_sql.language.reference import undocumented
from spanduck_sql.pushdown import Window, push_down
from spanduck_sql.schema import CORE_TYPES, sql_type
from spanduck_sql.where import predicate_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from spanduck_sql.language.columns import Column
    from spanduck_sql.pushdown import Pushing

DUCKDB: Final = "duckdb"


@dataclass(frozen=True)
class FilterAsSql:
    """What a filter means.

    Attributes:
        normal: The filter in its normal form.
        sql: The same as a SQL condition.
        columns: Exact names of the columns it reads; of a field without one, the field's.
        warnings: What is right and still not what one may expect.
        undocumented: Names of operators that the vendor documents nowhere.
    """

    normal: str
    sql: str
    columns: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    undocumented: tuple[str, ...] = ()


@dataclass(frozen=True)
class ConditionAsFilter:
    """What of a SQL condition travels.

    Attributes:
        filter_text: What is sent; empty for nothing.
        window: The bounds on a span's start; what is sent is in whole seconds.
        residual: The whole condition, which is applied again to what arrives.
        not_pushed: Text and reason of each part that is in neither filter nor window.
    """

    filter_text: str
    window: Window
    residual: str
    not_pushed: tuple[tuple[str, str], ...]


def dialects() -> tuple[str, ...]:
    """Return the names of the SQL dialects that a filter can be written in."""
    return tuple(sorted(dialect.value for dialect in sqlglot.Dialects if dialect.value))


def filter_to_sql(
    text: str,
    columns: Mapping[str, Column] | None = None,
    *,
    dialect: str = DUCKDB,
    strict: bool = False,
) -> FilterAsSql:
    """Tell what a filter means.

    Args:
        text: The filter.
        columns: What the project has stored; None when any field may be.
        dialect: One of `dialects()`. Any but DuckDB's is for a table with columns of the fields'
            names, each of the type that its literals have.
        strict: A field that the project lacks is an error, not a warning.

    Raises:
        FilterError: The text is no filter.
    """
    predicate = parse(text)
    bound = bind(predicate, columns, text=text, strict=strict)
    if dialect == DUCKDB:
        sql, unsupported = _written(condition(bound), dialect)
    else:
        # Of what is stored here another database knows nothing, but the names.
        sql, unsupported = _written(condition(bind(predicate, None), portable=True), dialect)
    read = (
        field.name if field.column is None else field.column.name for field in bound.fields.values()
    )
    return FilterAsSql(
        normal=to_text(bound.predicate),
        sql=sql,
        columns=tuple(dict.fromkeys(read)),
        warnings=(*(warning.message for warning in bound.warnings), *unsupported),
        undocumented=tuple(operator.name for operator in undocumented(bound.predicate)),
    )


def sql_to_filter(
    text: str, schema: pa.Schema | None = None, *, mode: Pushing = "standard"
) -> ConditionAsFilter:
    """Tell what of a SQL condition travels, and what is left.

    Args:
        text: A DuckDB condition on columns of `spans(…)`, with or without WHERE before it.
        schema: The declared schema of a project. None when any field may be there: those with a
            type of their own have it, another attribute is a number or a boolean where it is
            compared with such constants only, else text.
        mode: Whether negative conditions on text travel.

    Raises:
        FilterError: The text is no condition.
    """
    parsed, offset = _condition(text)
    parsed = _dotted_names_joined(parsed, schema)
    if schema is None:
        schema = _open_schema(parsed)
    name_by_lower = {name.lower(): name for name in schema.names}
    _check_names(parsed, name_by_lower, text, offset)
    predicate = predicate_of(
        parsed,
        lambda column: name_by_lower.get(column.name.lower()),
        types={item.name: item.type for item in schema},
    )
    pushdown = push_down(conjuncts(predicate), Window(), schema=schema, mode=mode)
    return ConditionAsFilter(
        filter_text="" if pushdown.filter is None else to_text(pushdown.filter),
        window=pushdown.window,
        residual=parsed.sql(DUCKDB, comments=False),
        not_pushed=pushdown.not_pushed,
    )


def _written(parsed: exp.Expr, dialect: str) -> tuple[str, list[str]]:
    generator = sqlglot.Dialect.get_or_raise(dialect).generator(
        unsupported_level=ErrorLevel.IGNORE, comments=False
    )
    text = generator.generate(parsed)
    return text, [f"{dialect}: {message}" for message in generator.unsupported_messages]


_PREFIX: Final = "SELECT 1 WHERE "
_BARE_PREFIX: Final = "SELECT 1 "
_WHERE: Final = "where"


def _condition(text: str) -> tuple[exp.Expr, int]:
    """Parse a condition; also how far its tokens' positions are from those in `text`."""
    if not text.strip():
        raise FilterError(
            "the condition must not be empty",
            next_step="give a SQL condition: status_code = 'ERROR'",
            text=text,
            code=FilterErrorCode.EMPTY,
        )
    word = text.lstrip()[: len(_WHERE) + 1].lower()
    has_where = word.startswith(_WHERE) and not (word[-1].isalnum() or word[-1] == "_")
    prefix = _BARE_PREFIX if has_where else _PREFIX
    try:
        statements = sqlglot.parse(prefix + text, dialect=DUCKDB)
    except ParseError as exc:
        raise _no_condition(text, *_place(exc, prefix + text, len(prefix))) from exc
    except SqlglotError as exc:
        raise _no_condition(text) from exc
    except RecursionError as exc:
        raise _no_condition(text, what="it is nested too deeply") from exc
    select = statements[0] if len(statements) == 1 else None
    if not isinstance(select, exp.Select):
        raise _no_condition(text)
    others = [name for name, value in select.args.items() if value and name not in _EXPECTED]
    where = select.args.get("where")
    if others or not isinstance(where, exp.Where):
        raise _no_condition(text)
    return where.this, len(prefix)


_EXPECTED: Final = frozenset({"expressions", "where"})


def _no_condition(
    text: str, position: int | None = None, end: int | None = None, what: str = ""
) -> FilterError:
    return FilterError(
        f"this is no SQL condition{': ' * bool(what)}{what}",
        next_step="give what stands after WHERE, alone; spanduck explain takes a whole statement",
        text=text,
        code=FilterErrorCode.SYNTAX,
        position=position,
        end=end,
    )


# sqlglot counts lines from 1, and columns to the end of the token.
def _place(exc: ParseError, text: str, before: int) -> tuple[int | None, int | None, str]:
    for error in exc.errors:
        line, column, token = error.get("line"), error.get("col"), error.get("highlight")
        if not line or column is None or not token:
            continue
        end = sum(len(each) for each in text.split("\n")[: line - 1]) + column + line - 1
        position = end - len(token) - before
        if position >= 0:
            return position, end - before, f"it ends or breaks at {token!r}"
    return None, None, ""


def _dotted_names_joined(parsed: exp.Expr, schema: pa.Schema | None) -> exp.Expr:
    """Read `attributes.llm.model_name` without quotes as the one column it means."""
    known = None if schema is None else {name.lower() for name in schema.names}

    def joined(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Column | exp.Dot):
            return node
        parts = list(node.parts)
        if len(parts) < 2 or not all(isinstance(part, exp.Identifier) for part in parts):
            return node
        name = ".".join(part.name for part in parts)
        is_column = field_type(name) is not None if known is None else name.lower() in known
        return exp.column(name, quoted=True) if is_column else node

    return parsed.transform(joined)


def _check_names(
    parsed: exp.Expr, name_by_lower: Mapping[str, str], text: str, offset: int
) -> None:
    for column in parsed.find_all(exp.Column):
        # With a table's name before it, it may be another table's.
        if column.table or column.name.lower() in name_by_lower:
            continue
        meta = column.this.meta
        start, end = meta.get("start"), meta.get("end")
        other = canonical_name(column.name)
        hint = (
            f'in SQL it is "{other}"'
            if other.lower() in name_by_lower
            else did_you_mean(column.name, name_by_lower.values()).lower()
        )
        raise FilterError(
            f"spans(…) has no column {column.name!r}",
            next_step=hint,
            text=text,
            code=FilterErrorCode.UNKNOWN_FIELD,
            position=None if start is None else start - offset,
            end=None if end is None else end + 1 - offset,
        )


def _open_schema(parsed: exp.Expr) -> pa.Schema:
    """The columns that a condition names, each of the type it would have in a project."""
    core_by_lower = {name.lower(): name for name in CORE_TYPES}
    types = dict(CORE_TYPES)
    for column in parsed.find_all(exp.Column):
        name = core_by_lower.get(column.name.lower(), column.name)
        kind = field_type(name)
        if name in types or kind is None:
            continue
        wire = _WIRE_TYPES.get(kind) or _literal_type(name, parsed)
        types[name] = sql_type(name, wire)
    return pa.schema(list(types.items()))


_WIRE_TYPES: Final = {
    FieldType.STRING: pa.string(),
    FieldType.NUMBER: pa.float64(),
    FieldType.BOOLEAN: pa.bool_(),
    FieldType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
}


def _literal_type(name: str, parsed: exp.Expr) -> pa.DataType:
    kinds = set()
    for column in parsed.find_all(exp.Column):
        if column.name == name:
            kinds |= set(_kinds(column))
    return kinds.pop() if len(kinds) == 1 else pa.string()


# What a column is compared with is its sibling under the comparison.
def _kinds(column: exp.Column) -> Iterable[pa.DataType]:
    parent = column.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    if parent is None or isinstance(parent, exp.Where | exp.Connector | exp.Not):
        yield pa.bool_()
        return
    if not isinstance(parent, exp.Predicate) or isinstance(parent, exp.Is):
        return
    for node in parent.iter_expressions():
        match node:
            case exp.Boolean():
                yield pa.bool_()
            case exp.Literal(is_string=False) | exp.Neg(this=exp.Literal(is_string=False)):
                yield pa.float64()
            case exp.Literal():
                yield pa.string()
