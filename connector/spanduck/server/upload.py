"""Storing an uploaded body: spans, spans with evaluations, or evaluations alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from spanduck._wire import UPLOAD_SCHEMA_KEY, WireError, read_upload_schema
from spanduck.server import catalogue as catalogues
from spanduck.server import projects, statements
from spanduck.server.catalogue import Place, ProjectCatalogue
from spanduck.server.check import Findings, Order, check
from spanduck.server.columns import (
    apply_additions,
    classify,
    core_values,
    plan_additions,
)
from spanduck.server.errors import RequestError
from spanduck.server.evaluations import merge
from spanduck.server.kinds import Encoding, Kind
from spanduck.server.spool import Spool
from spanduck_sql.schema import (
    EVENTS,
    JSON_COLUMNS,
    LIST_DICT_COLUMNS,
    NAME,
    SPAN_ID,
    START_TIME,
    TRACE_ID,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from spanduck.server.columns import Incoming
    from spanduck.server.spool import IncomingColumn
    from spanduck.server.store import Store

_REQUIRED: Final = (SPAN_ID, TRACE_ID, NAME, START_TIME)
# DuckDB sorts whole rows, and rows of more columns than this do not fit in its memory well. So wide
# an upload is put in order a batch at a time.
_SORTED_COLUMNS: Final = 256
_HOLDS_JSON: Final = JSON_COLUMNS | LIST_DICT_COLUMNS
_JSON_TESTS: Final = {
    Kind.STRING: "is_json_text",
    Kind.JSON: "is_json_text",
    Kind.STRING_LIST: "is_json_list",
}


@dataclass(frozen=True)
class Uploaded:
    """What an upload came to.

    Attributes:
        project: The number of the project.
        spans: Spans stored; of rows that repeat an id only the last counts.
        evaluated: Spans whose evaluations were written.
        unmatched_ids: Ids of evaluations alone that no span has.
    """

    project: int
    spans: int = 0
    evaluated: int = 0
    unmatched_ids: tuple[str, ...] = ()


def store_upload(
    store: Store, path: Path, *, space: str, announced_rows: int | None = None
) -> Uploaded:
    """Store a received body in one transaction; durable when this returns.

    Reads the body two to four times from its file, a batch at a time.

    Args:
        store: The store.
        path: The body.
        space: Id or name of the space.
        announced_rows: Rows the sender said there are.

    Raises:
        RequestError: The body is damaged, or something in it cannot be stored. Nothing was.
    """
    spool = Spool.open(path)
    project = _project_name(spool.schema)
    incoming = classify(spool)
    names = set(spool.schema.names)
    if SPAN_ID in names and incoming.evaluations and not names & {TRACE_ID, NAME, START_TIME}:
        columns = (spool.column(SPAN_ID), *incoming.evaluations)
        findings = check(spool, columns, announced_rows=announced_rows, with_spans=False)
        return _store_evaluations(store, spool, columns, findings, space=space, project=project)
    missing = [name for name in _REQUIRED if name not in names]
    if missing:
        raise RequestError(
            f"the upload has no column {missing[0]!r}",
            next_step=f"Spans need {', '.join(_REQUIRED)}; evaluations alone need {SPAN_ID} and"
            " columns such as eval.<name>.label.",
        )
    findings = check(spool, incoming.stored, announced_rows=announced_rows)
    with store.writing() as cursor:
        space_id = catalogues.find_space(cursor, space).id
        record = catalogues.look_up_project(cursor, space_id, project)
        if record is None:
            record = projects.create(cursor, space_id, project)
            catalogue, is_new = catalogues.load(cursor, record), True
        else:
            catalogue, is_new = store.catalogues.get(cursor, record), False
        writer = _SpanWriter(cursor, catalogue, spool, incoming, findings)
        return writer.write(is_new=is_new)


def _store_evaluations(
    store: Store,
    spool: Spool,
    columns: Sequence[IncomingColumn],
    findings: Findings,
    *,
    space: str,
    project: str,
) -> Uploaded:
    """Merge checked evaluations alone; the first of `columns` has the span ids."""
    with store.writing() as cursor:
        space_id = catalogues.find_space(cursor, space).id
        record = catalogues.find_project(cursor, space_id, project)
        merged = merge(
            cursor,
            catalogues.load(cursor, record),
            spool,
            columns[0],
            columns[1:],
            with_nan=findings.with_nan,
        )
    return Uploaded(record.number, 0, merged.records_updated, merged.unmatched_ids)


def _project_name(schema: pa.Schema) -> str:
    text = (schema.metadata or {}).get(UPLOAD_SCHEMA_KEY)
    if text is None:
        raise RequestError(
            "the upload names no project",
            next_step=f"Set the schema metadata {UPLOAD_SCHEMA_KEY.decode()}.",
        )
    try:
        described = read_upload_schema(text)
    except WireError as exc:
        raise RequestError(exc.message) from exc
    if described.environment not in {"TRACING", "UNKNOWN_ENVIRONMENT"}:
        raise RequestError(
            f"the upload is for the environment {described.environment!r}, not 'TRACING'"
        )
    return described.project


class _SpanWriter:
    """One upload of spans, inside its transaction."""

    def __init__(
        self,
        cursor: DuckDBPyConnection,
        catalogue: ProjectCatalogue,
        spool: Spool,
        incoming: Incoming,
        findings: Findings,
    ) -> None:
        self._cursor = cursor
        self._catalogue = catalogue
        self._spool = spool
        self._incoming = incoming
        self._findings = findings

    def write(self, *, is_new: bool) -> Uploaded:
        """Store everything and return the counts."""
        before = self._catalogue
        additions = plan_additions(
            before,
            (*self._incoming.attributes, *self._incoming.evaluations),
            self._findings.with_values,
            0 if is_new else self._count(before.span_tables[-1].name),
        )
        self._catalogue = apply_additions(self._cursor, before, additions)
        if self._clear_flags() or additions.columns:
            projects.next_generation(self._cursor, before.project)
        projects.note_row_bytes(self._cursor, before.project, self._findings.row_bytes)
        if not is_new:
            self._delete_stored()
        self._insert()
        evaluated = 0
        if self._incoming.evaluations:
            span_id = self._incoming.core[SPAN_ID]
            evaluations = self._incoming.evaluations
            merged = merge(
                self._cursor,
                self._catalogue,
                self._spool,
                span_id,
                evaluations,
                with_nan=self._findings.with_nan,
            )
            evaluated = merged.records_updated
        spans = 0 if self._findings.ids is None else len(self._findings.ids)
        return Uploaded(before.project.number, spans, evaluated)

    def _count(self, table: str) -> int:
        rows = self._cursor.execute(statements.count(table, windowed=False)).fetchall()
        count: int = rows[0][0]
        return count

    def _clear_flags(self) -> bool:
        """Note what no longer holds of columns; return whether it was anything new."""
        not_json = self._columns_not_json()
        changed = False
        for column in (*self._incoming.core.values(), *self._incoming.attributes):
            for stored in self._catalogue.by_logical.get(column.logical, ()):
                of_this_kind = stored.kind is column.incoming.kind or stored.place is Place.CORE
                if not of_this_kind or stored.kind is None:
                    continue
                is_json = stored.is_json and column.index not in not_json
                is_exact = stored.is_exact_double and column.index not in self._findings.inexact
                is_nan = stored.kind is Kind.FLOAT64 and column.index in self._findings.with_nan
                flags = (is_json, is_exact, stored.may_be_nan or is_nan)
                if flags != (stored.is_json, stored.is_exact_double, stored.may_be_nan):
                    changed = True
                    self._cursor.execute(
                        "UPDATE columns SET is_json = ?, is_exact_double = ?, may_be_nan = ?"
                        " WHERE project = ? AND logical = ? AND kind = ?",
                        [
                            *flags,
                            self._catalogue.project.number,
                            column.logical,
                            stored.kind.value,
                        ],
                    )
        return changed

    def _columns_not_json(self) -> set[int]:
        """Return the indexes of columns that should hold JSON and hold some text that is none."""
        found: set[int] = set()
        asked: list[IncomingColumn] = []
        for column in (*self._incoming.core.values(), *self._incoming.attributes):
            if not self._may_be_json(column):
                continue
            if column.incoming.encoding is Encoding.TO_JSON:
                continue
            if column.logical == EVENTS and column.incoming.kind is not Kind.STRING_LIST:
                found.add(column.index)
            elif column.incoming.kind in _JSON_TESTS:
                asked.append(column)
        if not asked:
            return found
        tests = [
            statements.all_true(_JSON_TESTS[column.incoming.kind], column.alias)
            for column in asked
            if column.incoming.kind is not None
        ]
        self._cursor.register("incoming", self._spool.reader(asked, self._findings.keep))
        row = self._cursor.execute(statements.select(tests, "incoming")).fetchall()[0]
        self._cursor.unregister("incoming")
        # An upload without rows makes nothing untrue: its answer is NULL.
        found.update(c.index for c, holds in zip(asked, row, strict=True) if holds is False)
        return found

    def _may_be_json(self, column: IncomingColumn) -> bool:
        """Tell whether a column holds JSON by the protocol and has held nothing else so far."""
        if column.index not in self._findings.with_values:
            return False
        if column.logical not in _HOLDS_JSON:
            return False
        stored = self._catalogue.by_logical.get(column.logical, ())
        return all(s.is_json for s in stored if s.kind is column.incoming.kind)

    def _delete_stored(self) -> None:
        """Delete the spans that this upload replaces."""
        ids = pa.table({"span_id": self._findings.ids})
        self._cursor.register("replaced", ids)
        for table in self._catalogue.span_tables:
            text = statements.delete_spans(table.name, "replaced")
            deleted = self._cursor.execute(text).fetchall()[0][0]
            projects.add_dead_rows(self._cursor, table.name, deleted)
        self._cursor.unregister("replaced")

    def _insert(self) -> None:
        """Insert the spans into the last table, which has every column, in the order of time."""
        columns: list[IncomingColumn] = [*self._incoming.core.values()]
        values = core_values(self._incoming.core)
        for column in self._incoming.attributes:
            physical, kind = self._physical(column), column.incoming.kind
            if physical is None or kind is None:
                continue
            columns.append(column)
            value = statements.column(column.alias)
            values.append(
                (physical, statements.stored_value(value, kind, column.incoming.encoding))
            )
        start, order = self._incoming.core[START_TIME], self._findings.order
        if order is Order.NONE and len(columns) > _SORTED_COLUMNS:
            order = Order.SLICES
        order_by = statements.column(start.alias) if order is Order.NONE else None
        sort_by = start if order is Order.SLICES else None
        table = self._catalogue.span_tables[-1].name
        reader = self._spool.reader(columns, self._findings.keep, sort_by=sort_by)
        self._cursor.register("incoming", reader)
        self._cursor.execute(statements.insert(table, values, "incoming", order_by=order_by))
        self._cursor.unregister("incoming")

    def _physical(self, column: IncomingColumn) -> str | None:
        if column.index not in self._findings.with_values:
            return None
        for stored in self._catalogue.by_logical[column.logical]:
            if stored.kind is column.incoming.kind:
                return stored.physical
        return None
