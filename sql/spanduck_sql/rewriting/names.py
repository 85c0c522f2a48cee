"""Which call's column a name means, as DuckDB finds it.

Sound, not complete: where a name may mean something else, it means nothing here. What makes that
possible is that DuckDB refuses a name that two sources have, so that a column of the call is the
call's wherever the statement is accepted, except where columns are merged (USING, NATURAL).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from spanduck_sql.rewriting.calls import Call, folded
from spanduck_sql.rewriting.joins import (
    Leaf,
    Renamed,
    Tree,
    joins_of,
    leaves_of,
    set_parts,
    tree_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Source = Leaf | Renamed
"""What a FROM reads, as names outside of it see it."""

Meaning = tuple[Call, str]
"""A call and the SQL name of one of its columns."""

_Outputs = dict[str, "Meaning | None"]
"""What the columns of a source are, by folded name; None of one that is no column of a call."""

# A SELECT of these parts gives a row for each row it reads, in whatever order.
_ROW_BY_ROW: Final = frozenset({"expressions", "from_", "joins", "where", "order", "with_"})
# Expressions that are none or several columns, or look at other rows.
_NOT_ROW_BY_ROW: Final = (
    exp.AggFunc,
    exp.Columns,
    exp.Explode,
    exp.Query,
    exp.Star,
    exp.Unnest,
    exp.Window,
)
_READS_BY_TEXT: Final = frozenset({"query", "query_table"})


@dataclass(frozen=True)
class _Scope:
    """What the clauses of one SELECT can name.

    Attributes:
        sources: In their order.
        by_alias: By folded alias; those without one under the empty text.
        unqualified: Columns by their folded names alone; None where that is not certain.
    """

    sources: list[Source]
    by_alias: Mapping[str, Sequence[Source]]
    unqualified: _Outputs


class Names:
    """The names of one statement.

    Args:
        statement: The whole of it.
        calls: Its calls, by the `id` of their tables.
    """

    def __init__(self, statement: exp.Expr, calls: Mapping[int, Call]) -> None:
        self._calls = calls
        self._cte_by_reference = dict(_single_references(statement))
        self._reference_by_cte = {
            id(cte): reference for reference, cte in self._cte_by_reference.values()
        }
        self._trees: dict[int, Tree | None] = {}
        self._scopes: dict[int, _Scope] = {}
        self._columns_by_source: dict[int, _Outputs] = {}
        self._outputs: dict[int, _Outputs] = {}

    def tree(self, select: exp.Select) -> Tree | None:
        """Return what a SELECT reads; the same object each time."""
        if id(select) not in self._trees:
            self._trees[id(select)] = tree_of(select)
        return self._trees[id(select)]

    def inner(self, leaf: Leaf) -> exp.Select | None:
        """Return the SELECT whose rows a leaf stands for: of a subquery, or of a CTE."""
        node = leaf.node
        if isinstance(node, exp.Subquery):
            return _plain_subquery(node)
        found = self._cte_by_reference.get(id(node))
        return found[1].this if found is not None else None

    def outer(self, select: exp.Select) -> exp.Expr | None:
        """Return the source, in a FROM, that is all there is of the rows of `select`."""
        node: exp.Expr = select
        while isinstance(node.parent, exp.Subquery) and set_parts(node.parent) == {"this"}:
            node = node.parent
        parent = node.parent
        if isinstance(parent, exp.Subquery):
            return parent
        if isinstance(parent, exp.CTE):
            return self._reference_by_cte.get(id(parent))
        return node if isinstance(node, exp.Subquery) else None

    def meaning(self, select: exp.Select, column: exp.Column) -> Meaning | None:
        """Return what a column means that is written in a clause of `select` itself."""
        name, parts = column.this, set_parts(column)
        if not isinstance(name, exp.Identifier) or not parts <= {"this", "table"}:
            return None
        if _scope(column) is not select:
            return None
        scope = self._scope(select)
        key = folded(name.name)
        if "table" not in parts:
            return scope.unqualified.get(key)
        named = scope.by_alias.get(folded(column.table), ())
        return self._columns(named[0]).get(key) if len(named) == 1 else None

    def _scope(self, select: exp.Select) -> _Scope:
        if id(select) not in self._scopes:
            self._scopes[id(select)] = self._find_scope(select)
        return self._scopes[id(select)]

    def _find_scope(self, select: exp.Select) -> _Scope:
        tree = self.tree(select)
        sources = [] if tree is None else leaves_of(tree)
        by_alias: dict[str, list[Source]] = {}
        unqualified: _Outputs = {}
        for source in sources:
            by_alias.setdefault(self._alias(source), []).append(source)
            for key, meaning in self._columns(source).items():
                unqualified[key] = None if key in unqualified else meaning
        joins = [] if tree is None else joins_of(tree)
        if any(join.is_natural for join in joins):
            unqualified = {}
        # The row of a source as a whole goes by its alias.
        hidden = {folded(name) for join in joins for name in join.using} | set(by_alias)
        for key in hidden & set(unqualified):
            unqualified[key] = None
        return _Scope(sources, by_alias, unqualified)

    def outputs(self, select: exp.Select) -> _Outputs:
        """Return the columns of a SELECT that gives a row for each row it reads, else nothing."""
        known = self._outputs.get(id(select))
        if known is None:
            # Nothing while it is being found out: a CTE that reads itself has no columns here.
            self._outputs[id(select)] = {}
            known = self._outputs[id(select)] = self._find_outputs(select)
        return known

    def _find_outputs(self, select: exp.Select) -> _Outputs:
        if not is_row_by_row(select):
            return {}
        made: list[tuple[str, Meaning | None]] = []
        for item in select.expressions:
            columns = self._item(select, item)
            if columns is None:
                return {}
            made += columns
        outputs: _Outputs = {}
        for name, meaning in made:
            # DuckDB renames the later of two; which one is meant is left open here.
            outputs[name] = None if name in outputs else meaning
        return outputs

    # None: its names are not known.
    def _item(self, select: exp.Select, item: exp.Expr) -> list[tuple[str, Meaning | None]] | None:
        star = item.this if isinstance(item, exp.Column) else item
        if isinstance(star, exp.Star):
            return self._star(select, item, star)
        if isinstance(item, exp.Column):
            return [(folded(item.name), self.meaning(select, item))]
        if not isinstance(item, exp.Alias) or item.find(*_NOT_ROW_BY_ROW):
            return None
        value = item.this
        meaning = self.meaning(select, value) if isinstance(value, exp.Column) else None
        return [(folded(item.alias), meaning)]

    def _star(
        self, select: exp.Select, item: exp.Expr, star: exp.Star
    ) -> list[tuple[str, Meaning | None]] | None:
        scope = self._scope(select)
        sources: Sequence[Source] = scope.sources
        if isinstance(item, exp.Column):
            if set_parts(item) != {"this", "table"}:
                return None
            sources = scope.by_alias.get(folded(item.table), ())
        if len(sources) != 1 or not set_parts(star) <= {"except_", "replace", "rename"}:
            return None
        columns = self._columns(sources[0])
        if not columns:
            return None
        left_out = {folded(column.name) for column in star.args.get("except_") or ()}
        replaced = {folded(column.alias) for column in star.args.get("replace") or ()}
        renamed = {
            folded(column.this.name): folded(column.alias)
            for column in star.args.get("rename") or ()
        }
        return [
            (renamed.get(name, name), None if name in replaced else meaning)
            for name, meaning in columns.items()
            if name not in left_out
        ]

    def _columns(self, source: Source) -> _Outputs:
        known = self._columns_by_source.get(id(source))
        if known is None:
            known = self._columns_by_source[id(source)] = self._find_columns(source)
        return known

    def _find_columns(self, source: Source) -> _Outputs:
        if isinstance(source, Renamed) or _has_other_columns(source.node):
            return {}
        call = self._calls.get(id(source.node))
        if call is not None:
            return {key: (call, name) for key, name in call.name_by_folded.items()}
        select = self.inner(source)
        return {} if select is None else self.outputs(select)

    def _alias(self, source: Source) -> str:
        node = source.node
        is_call = id(node) in self._calls
        # DuckDB makes up a name for a call without an alias.
        return folded(node.alias if is_call else node.alias_or_name)


def is_row_by_row(select: exp.Select) -> bool:
    """Whether a SELECT gives a row for each row it reads, made of that row alone."""
    if not set_parts(select) <= _ROW_BY_ROW:
        return False
    return not any(item.find(exp.AggFunc, exp.Window) for item in select.expressions)


def _has_other_columns(node: exp.Expr) -> bool:
    return _has_named_columns(node) or bool(node.args.get("pivots"))


def _has_named_columns(node: exp.Expr) -> bool:
    alias = node.args.get("alias")
    return isinstance(alias, exp.TableAlias) and bool(alias.args.get("columns"))


def _scope(column: exp.Expr) -> exp.Expr | None:
    node = column.parent
    while node is not None and not isinstance(node, exp.Query):
        node = node.parent
    return node if not isinstance(node, exp.Subquery) else _scope(node)


def _plain_subquery(node: exp.Subquery) -> exp.Select | None:
    inner: exp.Expr = node
    if not set_parts(inner) <= {"this", "alias", "joins"} or _has_named_columns(node):
        return None
    while isinstance(inner, exp.Subquery):
        inner = inner.this
        if isinstance(inner, exp.Subquery) and set_parts(inner) != {"this"}:
            return None
    return inner if isinstance(inner, exp.Select) else None


def _single_references(
    statement: exp.Expr,
) -> Iterable[tuple[int, tuple[exp.Table, exp.CTE]]]:
    """Find the CTEs that one place of the statement reads, and that place."""
    if any(folded(call.name) in _READS_BY_TEXT for call in statement.find_all(exp.Anonymous)):
        return
    ctes: dict[str, list[exp.CTE]] = {}
    for cte in statement.find_all(exp.CTE):
        ctes.setdefault(folded(cte.alias), []).append(cte)
    references: dict[str, list[exp.Table]] = {}
    for table in statement.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier):
            references.setdefault(folded(table.name), []).append(table)
    for name, (cte, *others) in ctes.items():
        places = references.get(name, [])
        if not others and len(places) == 1 and _is_read_through(cte, places[0]):
            yield id(places[0]), (places[0], cte)


def _is_read_through(cte: exp.CTE, place: exp.Table) -> bool:
    # A CTE that is to be materialized is computed as it is written.
    if cte.args.get("materialized") or not set_parts(cte) <= {"this", "alias"}:
        return False
    clause = cte.parent
    if not isinstance(clause, exp.With) or not set_parts(clause) <= {"expressions"}:
        return False
    is_plain = isinstance(cte.this, exp.Select) and not _has_named_columns(cte)
    if not is_plain or not set_parts(place) <= {"this", "alias", "joins"}:
        return False
    return _is_inside(place, clause.parent) and not _is_inside(place, cte)


def _is_inside(node: exp.Expr, container: exp.Expr | None) -> bool:
    above: exp.Expr | None = node
    while above is not None and above is not container:
        above = above.parent
    return above is not None and container is not None
