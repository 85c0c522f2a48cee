"""A statement with more of its conditions in the filters of its `spans(...)` calls.

DuckDB offers a table function plain comparisons and keeps LIKE, `contains`, casts and the like to
itself. Here the statement is read before it is run: what its WHERE, ON and HAVING say of the rows
of a call is added to the call's `filter :=`, as far as the filter language can say it. The rest of
the statement stays as it was written, and so does its result: the filter keeps every row that the
conditions keep, and the conditions are still applied. Where that is not certain, nothing is added.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sqlglot import Token, TokenType, exp

from spanduck_sql.errors import FilterError
from spanduck_sql.language.binding import bind
from spanduck_sql.language.columns import columns_of_schema
from spanduck_sql.language.parser import parse as parse_filter
from spanduck_sql.pushdown import Window, push_down, split_generated, with_generated
from spanduck_sql.rewriting.calls import Call, SpansCall, find_calls
from spanduck_sql.rewriting.names import Names
from spanduck_sql.rewriting.nulls import keeps_nulls
from spanduck_sql.rewriting.reach import Offer, Reach
from spanduck_sql.rewriting.statements import (
    Edit,
    apply,
    changes_meaning,
    has_call,
    parse,
    split,
    tokenize,
)
from spanduck_sql.visitors import columns_of
from spanduck_sql.where import predicate_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from spanduck_sql.expressions import Predicate
    from spanduck_sql.pushdown import Pushing

    SchemaOf = Callable[[SpansCall], pa.Schema | None]

__all__ = ["Rewritten", "RewrittenCall", "SpansCall", "rewrite"]

_MADE_UP: Final = "it may be true of the row of NULLs that an outer join puts for no match"
_SAMPLED: Final = "the service takes the call's sample, and may take it of what a filter leaves"
_UNKNOWN: Final = "the project's columns are not known"
_OWN_FILTER: Final = "only the service can tell what the call's own filter means"
_REWRITTEN: Final = "the call's filter is of an earlier rewriting"
_LATER: Final = "a statement before it may change what its names mean"


@dataclass(frozen=True)
class RewrittenCall:
    """What became of one call.

    Attributes:
        project: As the call names it; None when it is no literal.
        given: The caller's own filter, empty for none.
        generated: What was added to it, in the filter language; None for nothing.
        not_pushed: Text and reason of each condition on the call's columns that was not added at
            all, or the call itself and why it was left alone.
    """

    project: str | None
    given: str
    generated: Predicate | None
    not_pushed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Rewritten:
    """A text after rewriting.

    Attributes:
        text: To be run instead; the same object when nothing was added.
        calls: Every call of the text that could be read, in its order.
    """

    text: str
    calls: tuple[RewrittenCall, ...] = ()


def rewrite(text: str, schema_of: SchemaOf, *, mode: Pushing = "standard") -> Rewritten:
    """Add to the filter of each `spans(...)` call what its statement allows.

    Queries of any depth are rewritten, also inside CREATE TABLE … AS, INSERT, COPY (…) TO, EXPLAIN,
    DESCRIBE and SUMMARIZE. Views, macros and prepared statements, which are run later, are not, nor
    is what follows a statement that may give names another meaning.

    Args:
        text: One statement or several, in DuckDB's SQL. Never refused: what cannot be read stays.
        schema_of: Returns the declared columns of a call's project; None leaves the call alone.
            Asked only for statements with a condition, once for each project and space.
        mode: What is assumed of the service.
    """
    tokens = tokenize(text)
    if tokens is None:
        return Rewritten(text)
    rewriter = _Rewriter(text, schema_of, mode)
    is_sure = True
    for statement in split(tokens):
        if has_call(statement):
            rewriter.statement(statement, "" if is_sure else _LATER)
        is_sure = is_sure and not changes_meaning(statement)
    made = apply(text, rewriter.edits) if rewriter.edits else text
    if made is None:
        return Rewritten(text, tuple(replace(call, generated=None) for call in rewriter.calls))
    return Rewritten(made, tuple(rewriter.calls))


class _Rewriter:
    def __init__(self, text: str, schema_of: SchemaOf, mode: Pushing) -> None:
        self.edits: list[Edit] = []
        self.calls: list[RewrittenCall] = []
        self._text = text
        self._schema_of = schema_of
        self._mode = mode
        self._schemas: dict[SpansCall, pa.Schema | None] = {}

    def statement(self, tokens: Sequence[Token], obstacle: str) -> None:
        tree = parse(tokens, self._text)
        if tree is None:
            return
        try:
            made = self._calls(tree, tokens, obstacle)
        except RecursionError:  # hundreds of subqueries or CTEs, each of which reads the next
            return
        for call, rewritten in made:
            self.calls.append(rewritten)
            if rewritten.generated is not None:
                value = with_generated(rewritten.given, rewritten.generated)
                self.edits.append(call.edit(value))

    def _calls(
        self, tree: exp.Expr, tokens: Sequence[Token], obstacle: str
    ) -> list[tuple[Call, RewrittenCall]]:
        calls = find_calls(tree, tokens)
        has_condition = tree.find(exp.Where, exp.Having, exp.Join) is not None
        for call in calls:
            call.reason = call.reason or obstacle
            if has_condition and not call.reason and call.asked is not None:
                self._look_up(call, call.asked)
        names = Names(tree, {id(call.table): call for call in calls})
        has_arrow = any(token.token_type == TokenType.ARROW for token in tokens)
        reach = Reach(names, has_arrow=has_arrow)
        return [(call, self._rewritten(call, reach)) for call in calls]

    def _look_up(self, call: Call, asked: SpansCall) -> None:
        key = replace(asked, given="")
        if key not in self._schemas:
            self._schemas[key] = self._schema_of(asked)
        schema = self._schemas[key]
        if schema is None:
            call.reason = _UNKNOWN
        else:
            call.know(schema)

    def _rewritten(self, call: Call, reach: Reach) -> RewrittenCall:
        if call.reason:
            return RewrittenCall(call.project, call.given, None, ((_shown(call), call.reason),))
        select = _query(call.table)
        if call.schema is None or not isinstance(select, exp.Select):
            return RewrittenCall(call.project, call.given, None)
        try:
            given = _checked(call.given, call.schema)
        except FilterError:
            return RewrittenCall(call.project, call.given, None, ((_shown(call), _OWN_FILTER),))
        if split_generated(call.given)[1] is not None:
            return RewrittenCall(call.project, call.given, None, ((_shown(call), _REWRITTEN),))
        wanted: list[Predicate] = []
        not_pushed: list[tuple[str, str]] = []
        for offer in reach.offers(call.table, select):
            predicate = _predicate(call, reach, offer)
            if not columns_of(predicate):
                continue
            reason = _obstacle(call, offer, predicate)
            if reason:
                not_pushed.append((str(predicate), reason))
            else:
                wanted.append(predicate)
        pushed = push_down(wanted, Window(), schema=call.schema, mode=self._mode, given=given)
        not_pushed += pushed.not_pushed
        return RewrittenCall(
            call.project, call.given, pushed.filter, tuple(dict.fromkeys(not_pushed))
        )


def _predicate(call: Call, reach: Reach, offer: Offer) -> Predicate:
    def column_of(column: exp.Column) -> str | None:
        meaning = reach.meaning(offer, column)
        return meaning[1] if meaning is not None and meaning[0] is call else None

    return predicate_of(offer.condition, column_of, types=call.types)


def _obstacle(call: Call, offer: Offer, predicate: Predicate) -> str:
    if offer.blocked:
        return offer.blocked
    if offer.drops_nulls and keeps_nulls(predicate):
        return _MADE_UP
    return _SAMPLED if call.takes_sample else ""


def _checked(given: str, schema: pa.Schema) -> Predicate | None:
    if not given:
        return None
    predicate = parse_filter(given)
    bind(predicate, columns_of_schema(schema), text=given)
    return predicate


def _query(table: exp.Table) -> exp.Query | None:
    query = table.find_ancestor(exp.Query)
    while isinstance(query, exp.Subquery):
        query = query.find_ancestor(exp.Query)
    return query


def _shown(call: Call) -> str:
    return "spans(…)" if call.project is None else f"spans({call.project!r})"
