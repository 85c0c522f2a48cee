"""Annotations and notes: wide rows of a call become rows of the long tables.

A null field leaves the stored one; who wrote and when count only where a label, a score or a text
comes with them. Names that differ by case are different names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp

from spanduck._wire import UpdateResult
from spanduck.server import catalogue as catalogues
from spanduck.server import configs, projects, statements
from spanduck.server.catalogue import Place, StoredColumn
from spanduck.server.columns import Additions, apply_additions, incoming_value
from spanduck.server.errors import RequestError
from spanduck.server.kinds import Kind
from spanduck.server.merging import replace_merged, stage_wide, unmatched_ids
from spanduck_sql.schema import (
    ANNOTATION_FIELDS,
    ANNOTATION_NOTES,
    ANNOTATION_VALUES,
    parse_annotation_column,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from duckdb import DuckDBPyConnection

    from spanduck.server.catalogue import ProjectCatalogue
    from spanduck.server.spool import IncomingColumn, Spool

LEVEL: Final = "span"
"""What is annotated unless the call says otherwise."""

_SQL_TYPE_BY_FIELD: Final = {
    "label": "VARCHAR",
    "score": "DOUBLE",
    "text": "VARCHAR",
    "updated_by": "VARCHAR",
    "updated_at": "TIMESTAMP",
}
_SCORES: Final = frozenset({Kind.BOOL, Kind.INT64, Kind.FLOAT64, None})
_TIMES: Final = frozenset({Kind.INT64, Kind.FLOAT64, None})
_TEXT_LISTS: Final = frozenset({Kind.STRING, Kind.STRING_LIST, None})
# Milliseconds up to the year 9999; an early release of the vendor's SDK sent nanoseconds.
_LAST_MS: Final = 253_402_300_799_999
_FIRST_NS: Final = 10**17


def annotation_columns(spool: Spool) -> tuple[IncomingColumn, ...]:
    """Return the columns of annotations and the one of notes.

    Raises:
        RequestError: One has an impossible type.
    """
    columns = tuple(
        spool.column(name)
        for name in spool.schema.names
        if name == ANNOTATION_NOTES or parse_annotation_column(name) is not None
    )
    for column in columns:
        _refuse_wrong_type(column)
    return columns


def merge_annotations(
    cursor: DuckDBPyConnection,
    catalogue: ProjectCatalogue,
    spool: Spool,
    span_id: IncomingColumn,
    columns: Sequence[IncomingColumn],
    *,
    strict_configs: bool = False,
    is_repeated: bool = True,
) -> UpdateResult:
    """Merge the annotations of a checked body, inside a writing transaction, once in it.

    Leaves temporary tables and views behind, which vanish with the transaction's connection. Of
    rows that repeat an annotation the last value of each field counts; notes are added to those
    that are there, in the order they came.

    Args:
        cursor: The transaction.
        catalogue: The project's catalogue as this transaction sees it.
        spool: The body.
        span_id: Its column of span ids.
        columns: Its columns of annotations.
        strict_configs: Whether every annotation must fit a config of the space.
        is_repeated: Whether an id of the body may occur more than once.

    Returns:
        The spans that exist and of which the call said something; and the ids that no span has.

    Raises:
        RequestError: A time is none, or an annotation fits no config.
    """
    catalogue = register_annotations(cursor, catalogue, [column.logical for column in columns])
    _stage(cursor, spool, span_id, columns)
    merge_staged(
        cursor, catalogue, ids="wide", strict_configs=strict_configs, is_repeated=is_repeated
    )
    notes = catalogue.notes_table
    cursor.execute(statements.script_on("notes_merged", (("notes", notes),)))
    replace_merged(cursor, "notes", notes)
    updated = cursor.execute(statements.script_on("annotations_updated", ())).fetchall()[0][0]
    return UpdateResult(updated, unmatched_ids(cursor))


def register_annotations(
    cursor: DuckDBPyConnection,
    catalogue: ProjectCatalogue,
    names: Iterable[str],
    level: str = LEVEL,
) -> ProjectCatalogue:
    """Note columns of annotations that the project has not had yet, and return its catalogue."""
    new = tuple(
        StoredColumn(name, None, Place.ANNOTATION, physical=level)
        for name in dict.fromkeys(names)
        if all(known.physical != level for known in catalogue.by_logical.get(name, ()))
    )
    if new:
        projects.next_generation(cursor, catalogue.project)
    return apply_additions(cursor, catalogue, Additions(new))


def merge_staged(
    cursor: DuckDBPyConnection,
    catalogue: ProjectCatalogue,
    *,
    ids: str = "staged",
    strict_configs: bool,
    is_repeated: bool = True,
) -> None:
    """Merge the temporary table `staged` into the long table; ids that no span has are left out.

    It has the columns `span_id`, `level`, `name`, those of `ANNOTATION_FIELDS`, and `ordinal`.

    Args:
        cursor: The transaction.
        catalogue: The project's catalogue as it sees it.
        ids: A temporary table of all span ids of the call.
        strict_configs: Whether every annotation must fit a config of the space.
        is_repeated: Whether an annotation may be in the table more than once.

    Raises:
        UnprocessableError: Configs are strict, and an annotation fits none.
    """
    if strict_configs:
        configs.refuse_unfit(cursor, catalogue.project.space_id)
    tables = (("annotations", catalogue.annotations_table),)
    names = [table.name for table in catalogue.span_tables]
    cursor.execute(statements.create_ids("spans", names, ids))
    said = "annotations_said" if is_repeated else "annotations_said_once"
    for step in (said, "annotations_merged"):
        cursor.execute(statements.script_on(step, tables))
    replace_merged(cursor, "annotations", catalogue.annotations_table, now=catalogues.now())


def _refuse_wrong_type(column: IncomingColumn) -> None:
    kind, field = column.incoming.kind, _field(column)
    if field == "score":
        is_right, wanted = kind in _SCORES, "a number"
    elif field == "updated_at":
        is_right, wanted = kind in _TIMES, "a number of milliseconds since 1970"
    elif field == "notes":
        is_right, wanted = kind in _TEXT_LISTS, "a list of texts"
    else:
        is_right, wanted = kind not in {Kind.JSON, Kind.STRING_LIST}, "text"
    if not is_right:
        raise RequestError(
            f"the column {column.logical!r} has the type {column.incoming.arrow_type}, not {wanted}"
        )


def _field(column: IncomingColumn) -> str:
    parsed = parse_annotation_column(column.logical)
    return "notes" if parsed is None else parsed.field


def _stage(
    cursor: DuckDBPyConnection,
    spool: Spool,
    span_id: IncomingColumn,
    columns: Sequence[IncomingColumn],
) -> None:
    """Fill `wide` with the rows, `staged` and `staged_notes` with what they say."""
    values = [statements.cast(statements.column(span_id.alias), "VARCHAR").as_("span_id")]
    values += [_value(column).as_(column.alias) for column in columns]
    stage_wide(cursor, spool, (span_id, *columns), values)
    _check_times(cursor, [column for column in columns if _field(column) == "updated_at"])
    by_name: dict[str, dict[str, str]] = {}
    notes: str | None = None
    for column in columns:
        parsed = parse_annotation_column(column.logical)
        if parsed is None:
            notes = column.alias
        else:
            by_name.setdefault(parsed.name, {})[parsed.field] = column.alias
    parts = [_long_rows(name, fields) for name, fields in (by_name or {"": {}}).items()]
    cursor.execute(statements.create_temporary("staged", statements.union_all(parts)))
    cursor.execute(statements.create_temporary("staged_notes", _noted_rows(notes)))


def _value(column: IncomingColumn) -> exp.Expr:
    field, kind = _field(column), column.incoming.kind
    if field == "notes":
        if kind is not Kind.STRING:
            return incoming_value(column, "VARCHAR[]")
        text = incoming_value(column, "VARCHAR")
        return statements.function("note_list", text)
    if field == "updated_at":
        # As they came: only when they have been looked at can they become times.
        number = incoming_value(column, "DOUBLE" if kind is Kind.FLOAT64 else "BIGINT")
        return statements.function("without_nan", number) if kind is Kind.FLOAT64 else number
    value = incoming_value(column, _SQL_TYPE_BY_FIELD[field])
    return statements.function("without_nan", value) if field == "score" else value


def _check_times(cursor: DuckDBPyConnection, columns: Sequence[IncomingColumn]) -> None:
    if not columns:
        return
    ends = [
        end(this=statements.column(column.alias))
        for column in columns
        for end in (exp.Min, exp.Max)
    ]
    row = cursor.execute(statements.select(ends, "wide")).fetchall()[0]
    for value, column in zip(row, (c for c in columns for _ in range(2)), strict=True):
        if value is not None and not (0 <= value <= _LAST_MS or _FIRST_NS <= value < 2**63):
            raise RequestError(
                f"the column {column.logical!r} holds {value!r}, which is no time",
                next_step="Send milliseconds since 1970, UTC.",
            )


def _long_rows(name: str, fields: dict[str, str]) -> exp.Select:
    values: list[exp.Expr] = [
        statements.column("span_id"),
        exp.Literal.string(LEVEL).as_("level"),
        exp.Literal.string(name).as_("name"),
    ]
    for field in ANNOTATION_FIELDS:
        if field not in fields:
            value = statements.cast(exp.null(), _SQL_TYPE_BY_FIELD[field])
        elif field == "updated_at":
            value = statements.function("annotation_time", statements.column(fields[field]))
        else:
            value = statements.column(fields[field])
        values.append(value.as_(field))
    values.append(statements.column("rowid").as_("ordinal"))
    said = (fields[field] for field in ANNOTATION_VALUES if field in fields)
    speaks = exp.or_(exp.false(), *(statements.is_not_null(alias) for alias in said))
    return exp.select(*values).from_("wide").where(speaks)


def _noted_rows(alias: str | None) -> exp.Select:
    column = statements.cast(exp.null(), "VARCHAR[]") if alias is None else statements.column(alias)
    has_notes = exp.GT(
        this=statements.function("len", column.copy()), expression=exp.Literal.number(0)
    )
    return (
        exp.select("span_id", column.as_("notes"), statements.column("rowid").as_("ordinal"))
        .from_("wide")
        .where(has_notes)
    )
