"""Evaluations: wide rows of a call become rows of the long table, merged field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp

from spanduck._wire import UpdateResult
from spanduck.server import catalogue as catalogues
from spanduck.server import projects, statements
from spanduck.server.columns import apply_additions, incoming_value, plan_additions
from spanduck.server.errors import RequestError
from spanduck.server.kinds import Kind
from spanduck.server.merging import replace_merged, stage_wide, unmatched_ids
from spanduck_sql.schema import EVALUATION_FIELDS, EvaluationColumn, parse_evaluation_column

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from duckdb import DuckDBPyConnection

    from spanduck.server.catalogue import ProjectCatalogue
    from spanduck.server.spool import IncomingColumn, Spool

_SQL_TYPE_BY_FIELD: Final = {"label": "VARCHAR", "score": "DOUBLE", "explanation": "VARCHAR"}
_NUMERIC: Final = frozenset({Kind.BOOL, Kind.INT64, Kind.FLOAT64})


def merge(
    cursor: DuckDBPyConnection,
    catalogue: ProjectCatalogue,
    spool: Spool,
    span_id: IncomingColumn,
    columns: Sequence[IncomingColumn],
    *,
    with_nan: AbstractSet[int],
    is_repeated: bool = True,
) -> UpdateResult:
    """Merge the evaluations of a checked body, inside a writing transaction, once in it.

    Leaves temporary tables and views behind, which vanish with the transaction's connection.

    A null field leaves the stored one, a row of nulls changes nothing, and of rows that repeat an
    evaluation the last value of each field counts. Names that differ by case are different names.

    Args:
        cursor: The transaction.
        catalogue: The project's catalogue as this transaction sees it.
        spool: The body.
        span_id: Its column of span ids.
        columns: Its columns of evaluations.
        with_nan: Indexes of the columns in which a value is NaN.
        is_repeated: Whether an id of the body may occur more than once.

    Returns:
        The spans that exist and of which the call said something; and the ids that no span has.

    Raises:
        RequestError: A column has a type that its field cannot hold.
    """
    for column in columns:
        _refuse_wrong_type(column)
    additions = plan_additions(catalogue, columns, set(), 0)
    catalogue = apply_additions(cursor, catalogue, additions)
    is_news = _note_nan(cursor, catalogue, [c for c in columns if c.index in with_nan])
    if additions.columns or is_news:
        projects.next_generation(cursor, catalogue.project)
    tables = (("evaluations", catalogue.evaluations_table),)
    names = [table.name for table in catalogue.span_tables]
    _stage(cursor, spool, span_id, columns)
    cursor.execute(statements.create_ids("spans", names, "wide"))
    said = "evaluations_said" if is_repeated else "evaluations_said_once"
    for step in (said, "evaluations_merged"):
        cursor.execute(statements.script_on(step, tables))
    replace_merged(cursor, "evaluations", catalogue.evaluations_table, now=catalogues.now())
    updated = cursor.execute("SELECT count(DISTINCT span_id) FROM merged").fetchall()[0][0]
    return UpdateResult(updated, unmatched_ids(cursor))


def _note_nan(
    cursor: DuckDBPyConnection, catalogue: ProjectCatalogue, columns: Sequence[IncomingColumn]
) -> bool:
    """Note that columns hold a NaN; return whether it was anything new."""
    known = (catalogue.by_logical[column.logical][0] for column in columns)
    news = [stored.logical for stored in known if not stored.may_be_nan]
    for logical in news:
        cursor.execute(
            "UPDATE columns SET may_be_nan = TRUE WHERE project = ? AND logical = ?",
            [catalogue.project.number, logical],
        )
    return bool(news)


def _refuse_wrong_type(column: IncomingColumn) -> None:
    parsed = _parsed(column)
    kind = column.incoming.kind
    if parsed.field == "score":
        is_right = kind is None or kind in _NUMERIC
    else:
        is_right = kind not in {Kind.JSON, Kind.STRING_LIST}
    if not is_right:
        wanted = "a number" if parsed.field == "score" else "text"
        raise RequestError(
            f"the column {column.logical!r} has the type {column.incoming.arrow_type}, not {wanted}"
        )


def _parsed(column: IncomingColumn) -> EvaluationColumn:
    parsed = parse_evaluation_column(column.logical)
    if parsed is None:
        raise RequestError(f"the column {column.logical!r} is no evaluation")
    return parsed


def _stage(
    cursor: DuckDBPyConnection,
    spool: Spool,
    span_id: IncomingColumn,
    columns: Sequence[IncomingColumn],
) -> None:
    """Fill `wide` with the body's rows and `staged` with a row for each evaluation that speaks."""
    values = [statements.cast(statements.column(span_id.alias), "VARCHAR").as_("span_id")]
    for column in columns:
        value = incoming_value(column, _SQL_TYPE_BY_FIELD[_parsed(column).field])
        values.append(value.as_(column.alias))
    stage_wide(cursor, spool, (span_id, *columns), values)
    by_name: dict[tuple[str, str], dict[str, str]] = {}
    for column in columns:
        parsed = _parsed(column)
        by_name.setdefault((parsed.level, parsed.name), {})[parsed.field] = column.alias
    # Without a column of evaluations there is nothing to say, but ids can still be unmatched.
    by_name = by_name or {("span", ""): {}}
    parts = [_long_rows(level, name, fields) for (level, name), fields in by_name.items()]
    cursor.execute(statements.create_temporary("staged", statements.union_all(parts)))


def _long_rows(level: str, name: str, fields: dict[str, str]) -> exp.Select:
    values: list[exp.Expr] = [
        statements.column("span_id"),
        exp.Literal.string(level).as_("level"),
        exp.Literal.string(name).as_("name"),
    ]
    for field in EVALUATION_FIELDS:
        value = (
            statements.column(fields[field])
            if field in fields
            else statements.cast(exp.null(), _SQL_TYPE_BY_FIELD[field])
        )
        values.append(value.as_(field))
    values.append(statements.column("rowid").as_("ordinal"))
    speaks = exp.or_(exp.false(), *(statements.is_not_null(alias) for alias in fields.values()))
    return exp.select(*values).from_("wide").where(speaks)
