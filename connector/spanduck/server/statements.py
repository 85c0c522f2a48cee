"""SQL over a project's tables, whose names are known only at run time: built by sqlglot."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sqlglot import exp, parse_one

from spanduck.server.kinds import Encoding, Kind
from spanduck.server.scripts import script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DIALECT: Final = "duckdb"

ROW_ID: Final = "row_id"
"""What a row's id within its table is called where it is read; only within one transaction."""


def sql(expression: exp.Expr) -> str:
    """Return the text of a statement."""
    return expression.sql(dialect=DIALECT, comments=False)


@lru_cache(maxsize=256)
def script_on(name: str, tables: tuple[tuple[str, str], ...]) -> str:
    """Return one of the store's SQL files with symbolic table names replaced by physical ones."""
    parsed = parse_one(script(name), dialect=DIALECT)
    return sql(exp.replace_tables(parsed, dict(tables), dialect=DIALECT, copy=False))


def column(name: str, table: str | None = None) -> exp.Column:
    """Return a quoted reference to a column."""
    return exp.column(name, table=table, quoted=True)


def function(name: str, *arguments: exp.Expr) -> exp.Expr:
    """Return a call of a DuckDB function by its own name."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def cast(value: exp.Expr, sql_type: str) -> exp.Expr:
    """Return a cast to a DuckDB type."""
    return exp.cast(value, exp.DataType.build(sql_type, dialect=DIALECT), dialect=DIALECT)


def stored_value(value: exp.Expr, kind: Kind, encoding: Encoding) -> exp.Expr:
    """Return what is stored of an incoming value."""
    if encoding is Encoding.TO_JSON:
        value = function("to_json", value)
    elif encoding is Encoding.BASE64:
        value = function("to_base64", cast(value, "BLOB"))
    return cast(value, kind.sql_type)


def canonical_text(value: exp.Expr, kind: Kind) -> exp.Expr:
    """Return a stored value as text, for columns that hold more than one kind.

    Numbers and booleans as DuckDB prints them (`1`, `1.0`, `true`), lists as a JSON array.
    """
    if kind is Kind.STRING_LIST:
        value = function("to_json", value)
    return cast(value, Kind.STRING.sql_type)


@lru_cache(maxsize=1024)
def add_column(table: str, name: str, sql_type: str) -> str:
    """Return the statement that adds a column."""
    definition = exp.ColumnDef(
        this=exp.to_identifier(name, quoted=True),
        kind=exp.DataType.build(sql_type, dialect=DIALECT),
    )
    return sql(exp.Alter(this=exp.to_table(table), kind="TABLE", actions=[definition]))


def insert(
    table: str,
    values: Sequence[tuple[str, exp.Expr]],
    source: str,
    *,
    order_by: exp.Expr | None = None,
) -> str:
    """Return `INSERT INTO table (names) SELECT values FROM source`."""
    query = exp.select(*(value for _, value in values)).from_(source)
    if order_by is not None:
        query = query.order_by(order_by, copy=False)
    names = [exp.to_identifier(name, quoted=True) for name, _ in values]
    return sql(exp.insert(query, table, columns=names, dialect=DIALECT, copy=False))


def select(values: Sequence[exp.Expr], source: str) -> str:
    """Return `SELECT values FROM source`."""
    return sql(exp.select(*values).from_(source))


def all_true(test: str, name: str) -> exp.Expr:
    """Return whether the store's macro `test` holds for every value of a column."""
    return function("bool_and", function(test, column(name)))


def is_not_null(name: str) -> exp.Expr:
    """Return whether a column has a value."""
    return exp.not_(column(name).is_(exp.null()))


@lru_cache(maxsize=256)
def delete_spans(table: str, ids: str) -> str:
    """Return the statement that deletes the spans whose ids are in `ids` (a column `span_id`)."""
    listed = exp.select("span_id").from_(ids)
    return sql(exp.delete(table).where(exp.column("span_id").isin(listed)))


@lru_cache(maxsize=256)
def find_spans(found: str, table: str, ids: str) -> str:
    """Return the statement that makes a temporary table `found` of the row ids of such spans.

    Only of those in the window, which is read as by `in_window`.
    """
    row_id = exp.column("rowid").as_(ROW_ID)
    listed = exp.column("span_id").isin(exp.select("span_id").from_(ids))
    query = exp.select(row_id, "span_id").from_(table).where(listed, in_window())
    return create_temporary(found, query)


@lru_cache(maxsize=256)
def delete_found(table: str, found: str) -> str:
    """Return the statement that deletes the rows whose row ids are in `found`.

    It takes a tenth of the time of one that also returns what it deletes: for that DuckDB reads
    every column.
    """
    listed = exp.select(ROW_ID).from_(found)
    return sql(exp.delete(table).where(exp.column("rowid").isin(listed)))


def update_found(table: str, number: int, target: str, others: Sequence[str]) -> str:
    """Return the statement that stores the documents of `merged` in the table of that number.

    Args:
        table: Its name.
        number: What `merged` calls it.
        target: The column they go to.
        others: Columns that held them before, and hold nothing then.
    """
    document = exp.column("document", table="merged")
    assigned = {target: document, **dict.fromkeys(others, exp.null())}
    return sql(
        exp.Update(
            this=exp.to_table(table, alias="stored"),
            expressions=[column(name).eq(value.copy()) for name, value in assigned.items()],
            from_=exp.From(this=exp.to_table("merged")),
            where=exp.Where(this=exp.and_(_in_merged(number), _same_row("stored"))),
        )
    )


def move_found(table: str, number: int, last: str, target: str) -> str:
    """Return the statement that copies spans of `merged` to another table, with their documents."""
    query = (
        exp.select("stored.*", exp.column("document", table="merged").as_(target, quoted=True))
        .from_(exp.to_table(table, alias="stored"))
        .join("merged", on=_same_row("stored"))
        .where(_in_merged(number))
    )
    return sql(exp.Insert(this=exp.to_table(last), expression=query, by_name=True))


def delete_moved(table: str, number: int) -> str:
    """Return the statement that deletes what `move_found` copied."""
    moved = exp.select(ROW_ID).from_("merged").where(_in_merged(number))
    return sql(exp.delete(table).where(exp.column("rowid").isin(moved)))


def _same_row(table: str) -> exp.Expr:
    return exp.column("rowid", table=table).eq(exp.column(ROW_ID, table="merged"))


def _in_merged(number: int) -> exp.Expr:
    here = exp.column("table_number", table="merged").eq(exp.Literal.number(number))
    return exp.and_(here, exp.not_(exp.column("document", table="merged").is_(exp.null())))


@lru_cache(maxsize=256)
def count(table: str, *, windowed: bool) -> str:
    """Return the statement that counts spans, with parameters for the window's bounds."""
    query = exp.select(exp.Count(this=exp.Star())).from_(table)
    if windowed:
        query = query.where(in_window())
    return sql(query)


def in_window() -> exp.Expr:
    """Return `start <= start_time < end`, the bounds read from the connection's variables.

    Variables rather than literals keep the text the same for every window, so that it can be kept;
    DuckDB folds them before it plans, so row groups outside the window are still skipped.
    Parameters would do as well, but a relation with parameters is collected, not streamed.
    """
    start = column("start_time")
    return exp.and_(
        exp.GTE(this=start, expression=function("getvariable", exp.Literal.string("window_start"))),
        exp.LT(
            this=start.copy(),
            expression=function("getvariable", exp.Literal.string("window_end")),
        ),
    )


def in_sample(trace: exp.Expr) -> exp.Expr:
    """Return whether a trace is in the sample, whose size is read from a variable.

    A trace has a number for good, in every release of DuckDB, which is why this is not its `hash`.
    """
    return exp.LT(
        this=function("md5_number_upper", trace),
        expression=function("getvariable", exp.Literal.string("sample_end")),
    )


def in_part() -> exp.Expr:
    """Return whether a span is in the part that is being read, of so many, by its id.

    Both are read from variables, the first part being 0.
    """
    of_parts = exp.Mod(
        this=function("hash", column("span_id")),
        expression=function("getvariable", exp.Literal.string("parts")),
    )
    return of_parts.eq(function("getvariable", exp.Literal.string("part")))


def matched(number: int) -> str:
    """Return the name of the relation of row ids that were found in the table of that place."""
    return f"matched_{number}"


def is_matched(number: int) -> exp.Expr:
    """Return whether a row of the table of that place was found."""
    return exp.column("rowid").isin(exp.select(ROW_ID).from_(matched(number)))


def create_ids(name: str, tables: Sequence[str], among: str) -> str:
    """Return the statement that makes a temporary table of the span ids that several tables hold.

    Args:
        name: Of the temporary table.
        tables: Tables of spans.
        among: A table of the ids that are looked for.
    """
    wanted = exp.select("span_id").from_(among)
    parts = [
        exp.select("span_id").from_(table).where(exp.column("span_id").isin(wanted.copy()))
        for table in tables
    ]
    return create_temporary(name, union_all(parts))


def union_all(parts: Sequence[exp.Select]) -> exp.Query:
    """Return the rows of every part; of one part, the part itself."""
    return parts[0] if len(parts) == 1 else exp.union(*parts, distinct=False)


def create_temporary(name: str, query: exp.Expr) -> str:
    """Return `CREATE TEMP TABLE name AS query`."""
    properties = exp.Properties(expressions=[exp.TemporaryProperty()])
    return sql(
        exp.Create(this=exp.to_table(name), kind="TABLE", expression=query, properties=properties)
    )


def successor(table: str) -> str:
    """Return the name of the table that replaces `table`, such as `spans_1_0_v2`."""
    base, mark, version = table.rpartition("_v")
    return f"{base}_v{int(version) + 1}" if mark else f"{table}_v2"


def create_copy(copy: str, table: str, order_by: Sequence[exp.Expr] = ()) -> str:
    """Return the statement that makes a table of the rows of another."""
    query = exp.select("*").from_(table)
    if order_by:
        query = query.order_by(*order_by, copy=False)
    return sql(exp.Create(this=exp.to_table(copy), kind="TABLE", expression=query))


def create_empty(copy: str, types: Mapping[str, str]) -> str:
    """Return the statement that makes a table of columns of those DuckDB types."""
    columns = [
        exp.ColumnDef(
            this=exp.to_identifier(name, quoted=True),
            kind=exp.DataType.build(sql_type, dialect=DIALECT),
        )
        for name, sql_type in types.items()
    ]
    schema = exp.Schema(this=exp.to_table(copy), expressions=columns)
    return sql(exp.Create(this=schema, kind="TABLE"))


def insert_rows(
    copy: str, table: str, *conditions: exp.Expr, order_by: Sequence[exp.Expr] = ()
) -> str:
    """Return the statement that inserts rows of `table` into one of the same columns."""
    query = exp.select("*").from_(table).where(*conditions)
    if order_by:
        query = query.order_by(*order_by, copy=False)
    return sql(exp.insert(query, copy, dialect=DIALECT, copy=False))


def drop_table(table: str) -> str:
    """Return the statement that drops a table."""
    parsed = parse_one("DROP TABLE old", dialect=DIALECT)
    return sql(exp.replace_tables(parsed, {"old": table}, dialect=DIALECT, copy=False))
