"""What a statement would ask of the service, found out without running it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from spanduck._function.calls import Call, relation_for
from spanduck._function.database import attachment_of
from spanduck._function.engine_plan import observe
from spanduck._function.long_tables import LongRelation
from spanduck._function.spans import SpansRelation
from spanduck._scan.scan import export_command
from spanduck._sql import rewritten, run_rewritten
from spanduck.exceptions import FilterError, RejectedError, ValidationError
from spanduck_sql.expressions import Opaque, conjuncts
from spanduck_sql.language.parser import parse
from spanduck_sql.pushdown import Window, push_down, with_generated
from spanduck_sql.visitors import columns_of
from spanduck_sql.where import predicate_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from spanduck._function.attachment import Attachment
    from spanduck._function.engine_plan import ObservedRelation
    from spanduck_sql.expressions import Predicate
    from spanduck_sql.plan import ScanPlan
    from spanduck_sql.pushdown import Pushing
    from spanduck_sql.rewrite import RewrittenCall

_NOT_REACHED: Final = (
    "DuckDB does not offer it, and it stands where a rewrite of the statement does not reach"
)
_OF_EVALUATIONS: Final = "applied to the evaluations, which are made here of the spans' columns"
_OF_COLUMNS: Final = (
    "it chooses the columns that are asked for, and is applied to what is made here"
)
_UNREADABLE: Final = "the filter language has no such condition"

_KEY: Final = frozenset({"name", "level"})
"""Columns of `evaluations(…)` that are in the names of the spans' columns."""

_WRITE_BACK: Final = "write_back"
_NotPushed = tuple[str, str]


@dataclass(frozen=True)
class ExplainedScan:
    """One export that a statement would make.

    Attributes:
        function: `spans` or `evaluations`.
        plan: What would be sent. Its `not_pushed` has what the engine keeps for itself, too.
        estimated_rows: Rows the service would send, before the residual; None when it does not say.
    """

    function: str
    plan: ScanPlan
    estimated_rows: int | None

    def to_dict(self) -> dict[str, Any]:
        """Return the plan and the estimate as plain values, for JSON."""
        return {**self.plan.to_dict(), "estimated_rows": self.estimated_rows}


@dataclass(frozen=True)
class Explained:
    """The exports of a statement.

    Attributes:
        scans: In the order the engine met the calls.
        unread: Calls that ask for nothing: the statement needs no row of them.
        writes_back: Whether the statement has write-backs, whose models are not looked into.
    """

    scans: tuple[ExplainedScan, ...]
    unread: tuple[str, ...] = ()
    writes_back: bool = False


def columns_of_project(con: DuckDBPyConnection, project: str) -> pa.Schema:
    """Return the declared schema of a project in the space of `con`.

    Raises:
        Error: There is no such project, or the service cannot be asked.
    """
    call = Call("spans", project, None, None, None, None, None, None)
    return relation_for(attachment_of(con), call).schema


def explain(con: DuckDBPyConnection, text: str) -> Explained:
    """Find out what a statement would ask for. It is planned, never run.

    Costs a look-up of the schema for each call, as binding always does, and one GetFlightInfo for
    each export, for its rows. The embedded server counts exactly.

    Args:
        con: Where the statement would run, with its tables.
        text: One statement. Of CREATE TABLE AS, INSERT and COPY it is the query that counts.

    Raises:
        ValidationError: It is not one statement that can be planned.
        duckdb.Error: As DuckDB says.
        Error: The service cannot be asked.
    """
    statement = _one_statement(con, text)
    attachment = attachment_of(con)
    observed: list[ObservedRelation] = run_rewritten(con, statement, partial(observe, con))
    told = list(rewritten(con, statement).calls)
    scans: list[ExplainedScan] = []
    asked: list[Call] = []
    for source in observed:
        plan = _plan(source, _told_of(source, told), attachment.settings.local.pushdown)
        if plan is not None:
            asked.append(source.call)
            scans.append(ExplainedScan(source.call.function, *_asked(attachment, plan)))
    unread = {
        f"{source.call.function}({source.call.project!r})": None
        for source in observed
        if source.call not in asked and source.call.function not in ("projects", _WRITE_BACK)
    }
    writes_back = any(source.call.function == _WRITE_BACK for source in observed)
    return Explained(tuple(scans), tuple(unread), writes_back)


def _plan(source: ObservedRelation, told: RewrittenCall | None, mode: Pushing) -> ScanPlan | None:
    relation = source.relation
    if source.columns is None or not isinstance(relation, SpansRelation | LongRelation):
        return None
    plan = relation.plan(source.columns, source.accepted)
    if plan is None:
        return None
    not_pushed = [*plan.not_pushed]
    kept = list(_kept(source))
    if isinstance(relation, LongRelation):
        not_pushed += _of_evaluations((*source.accepted, *kept), plan)
    else:
        seen = [] if told is None else list(_seen_by_rewriter(told, source.accepted, kept))
        not_pushed += seen
        not_pushed += _seen_by_nobody(kept, plan, seen, mode)
    by_meaning: dict[str, _NotPushed] = {}
    for item in not_pushed:
        by_meaning.setdefault(_comparable(item[0]), item)
    return replace(plan, not_pushed=tuple(by_meaning.values()))


def _told_of(source: ObservedRelation, told: list[RewrittenCall]) -> RewrittenCall | None:
    """Take out what the rewriter tells of a call, which is known by its project and its filter.

    Where that is true of several, the one whose conditions the engine keeps for this source.
    """
    call = source.call
    if call.function != "spans":
        return None
    candidates = [
        item
        for item in told
        if (item.project, _text_of(item)) == (call.project, call.filter_text or "")
    ]
    if len(candidates) > 1:
        kept = {_columns_read(predicate) for predicate in _kept(source)}
        candidates.sort(
            key=lambda item: -sum(_columns_in(text) in kept for text, _ in item.not_pushed)
        )
    for item in candidates[:1]:
        told.remove(item)
        return item
    return None


def _text_of(told: RewrittenCall) -> str:
    return told.given if told.generated is None else with_generated(told.given, told.generated)


# The engine has words of its own for most conditions (`prefix(name, 'a')` for a LIKE), so two are
# told apart by their columns.
def _seen_by_rewriter(
    told: RewrittenCall, accepted: Iterable[Predicate], kept: Iterable[Predicate]
) -> Iterator[_NotPushed]:
    """Tell what the rewriter left out and the engine did not offer to the scan after all."""
    offered = {_columns_read(predicate) for predicate in accepted}
    offered -= {_columns_read(predicate) for predicate in kept}
    for text, reason in told.not_pushed:
        if _columns_in(text) not in offered:
            yield text, reason


def _seen_by_nobody(
    kept: Iterable[Predicate], plan: ScanPlan, told: Iterable[_NotPushed], mode: Pushing
) -> Iterator[_NotPushed]:
    """Tell what the engine kept, and is neither in the filter nor told of already."""
    sent = _conjuncts_sent(plan)
    known = {_columns_in(text) for text, _ in told}
    for predicate in kept:
        if _columns_read(predicate) in known:
            continue
        pushdown = push_down([predicate], Window(), schema=plan.declared_schema, mode=mode)
        yield from pushdown.not_pushed
        if pushdown.filter is not None and not sent.issuperset(conjuncts(pushdown.filter)):
            yield str(predicate), _NOT_REACHED


def _of_evaluations(predicates: Iterable[Predicate], plan: ScanPlan) -> Iterator[_NotPushed]:
    travelling = set(conjuncts(plan.residual))
    for predicate in predicates:
        if predicate not in travelling:
            is_on_key = _KEY.issuperset(columns_of(predicate))
            yield str(predicate), _OF_COLUMNS if is_on_key else _OF_EVALUATIONS


def _conjuncts_sent(plan: ScanPlan) -> set[Predicate]:
    try:
        return set(conjuncts(parse(plan.filter_text))) if plan.filter_text else set()
    except FilterError:
        return set()  # sent as it is: nothing of it was generated


def _kept(source: ObservedRelation) -> Iterator[Predicate]:
    """Read the conditions that the engine keeps for itself."""
    known = {name.lower(): name for name in source.relation.schema.names}

    def named(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Column):
            return node
        written = ".".join(part.name for part in node.parts)
        name = source.name_of(written) or known.get(written.lower())
        return node if name is None else exp.column(name, quoted=True)

    types = {item.name: item.type for item in source.relation.schema}
    for condition in source.kept:
        try:
            parsed = sqlglot.parse_one(condition, dialect="duckdb").transform(named)
        except (SqlglotError, RecursionError):
            yield Opaque(source.with_names(condition), _UNREADABLE)
        else:
            yield from conjuncts(predicate_of(parsed, lambda column: column.name, types=types))


def _comparable(condition: str) -> str:
    """Return a condition without what may differ between two ways to write it down."""
    try:
        parsed = sqlglot.parse_one(condition, dialect="duckdb")
    except (SqlglotError, RecursionError):
        return condition
    bare = parsed.transform(
        lambda node: exp.column(node.name.lower()) if isinstance(node, exp.Column) else node
    )
    return bare.unnest().sql("duckdb")


def _columns_in(condition: str) -> frozenset[str]:
    try:
        parsed = sqlglot.parse_one(condition, dialect="duckdb")
    except (SqlglotError, RecursionError):
        return frozenset()
    return frozenset(column.name.lower() for column in parsed.find_all(exp.Column))


def _columns_read(predicate: Predicate) -> frozenset[str]:
    return frozenset(name.lower() for name in columns_of(predicate))


def _asked(attachment: Attachment, plan: ScanPlan) -> tuple[ScanPlan, int | None]:
    """Ask how many rows a plan brings; return the plan that the service takes, and their number."""
    if plan.is_empty:
        return plan, 0
    try:
        total = attachment.flight.get_info(export_command(plan)).total_records
    except (FilterError, RejectedError) as exc:
        if not plan.is_generated:
            raise
        generated = plan.filter_text
        plan = plan.without_generated()
        total = attachment.flight.get_info(export_command(plan)).total_records
        refused = (generated, f"the service refused it: {exc.message}")
        plan = replace(plan, not_pushed=(*plan.not_pushed, refused))
    return plan, total if total >= 0 else None


_EXPLAINABLE: Final = (
    duckdb.StatementType.SELECT,
    duckdb.StatementType.CREATE,
    duckdb.StatementType.INSERT,
    duckdb.StatementType.UPDATE,
    duckdb.StatementType.DELETE,
    duckdb.StatementType.MERGE_INTO,
    duckdb.StatementType.COPY,
)
_ONE_STATEMENT: Final = "Give one query, CREATE TABLE AS, INSERT, UPDATE, DELETE, MERGE or COPY."


def _one_statement(con: DuckDBPyConnection, text: str) -> str:
    statements = con.extract_statements(text)
    if len(statements) != 1:
        raise ValidationError(
            f"{len(statements)} statements cannot be explained at once"
            if statements
            else "the SQL text is empty",
            next_step=_ONE_STATEMENT,
        )
    kind = statements[0].type
    if kind == duckdb.StatementType.EXPLAIN:
        raise ValidationError(
            "the statement is an EXPLAIN already", next_step="Give what stands after EXPLAIN."
        )
    if kind == duckdb.StatementType.MULTI:
        # The first of them finds the values, which means to run a part of it.
        raise ValidationError(
            "a PIVOT that does not name its values is several statements",
            next_step="Name them: PIVOT … ON column IN (…).",
        )
    if kind not in _EXPLAINABLE:
        raise ValidationError(
            f"{kind.name.replace('_', ' ')} asks the service for nothing", next_step=_ONE_STATEMENT
        )
    return str(statements[0].query)
