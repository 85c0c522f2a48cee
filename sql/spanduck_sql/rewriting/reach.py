"""Which conditions hold for the rows that are wanted of each source.

A condition that reaches a source may be applied to it before anything else: a row of the source for
which it is not true is in no row of the result, or is there as if it had not matched.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from spanduck_sql.rewriting.calls import folded
from spanduck_sql.rewriting.joins import (
    Joined,
    JoinKind,
    Leaf,
    Renamed,
    Tree,
    is_paired,
    leaves_of,
    set_parts,
)
from spanduck_sql.rewriting.names import is_row_by_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from spanduck_sql.rewriting.names import Meaning, Names

_ON_PRESERVED: Final = "ON of an outer join drops no row of the side that is kept whole"
_ON_ANTI: Final = "ON of an ANTI JOIN says which rows are dropped"
_ASOF: Final = "an ASOF JOIN looks at every row of its right side to find the nearest"
_OTHER_JOIN: Final = "a join of this kind looks at every row"
_ORDERED: Final = "a POSITIONAL JOIN pairs rows by an order that the condition might change"
_SAMPLED: Final = "a sample is taken before the condition is applied"
_RESHAPED: Final = "PIVOT or UNPIVOT stands between the call and the condition"
_SUMMARIZED: Final = "it stands outside of a subquery whose rows are not those of the call"
_ARROW: Final = "what `->` applies to is not certain; put it in parentheses"

# Clauses that neither come before WHERE nor change what it means.
_KNOWN_CLAUSES: Final = frozenset(
    {
        "expressions",
        "from_",
        "joins",
        "where",
        "group",
        "having",
        "qualify",
        "windows",
        "distinct",
        "order",
        "limit",
        "offset",
        "with_",
    }
)
_GROUPINGS: Final = (exp.Rollup, exp.Cube, exp.GroupingSets)


@dataclass(frozen=True, eq=False)
class Offer:
    """A condition on its way to a source.

    Attributes:
        condition: One conjunct.
        scope: The SELECT it is written in.
        keys: What it may read, of a HAVING; None for every column.
        hidden: Names that mean something else there, of a HAVING.
        drops_nulls: Whether it holds only if it is not true of a row of NULLs.
        blocked: Why it goes no further; empty as long as it does.
    """

    condition: exp.Expr
    scope: exp.Select
    keys: frozenset[Meaning] | None = None
    hidden: frozenset[str] = frozenset()
    drops_nulls: bool = False
    blocked: str = ""


class Reach:
    """Conditions of one statement and the sources they reach.

    Args:
        names: What its names mean.
        has_arrow: Whether `->` is in the text: DuckDB and sqlglot bind it differently.
    """

    def __init__(self, names: Names, *, has_arrow: bool) -> None:
        self._names = names
        self._has_arrow = has_arrow
        self._arrivals: dict[int, dict[int, Sequence[Offer]]] = {}

    def offers(self, source: exp.Expr, select: exp.Select) -> Sequence[Offer]:
        """Return what reaches a source in the FROM of `select`, blocked offers included."""
        known = self._arrivals.get(id(select))
        if known is None:
            known = self._arrivals[id(select)] = {}
            tree = self._names.tree(select)
            if tree is not None:
                self._walk(tree, self._above(select, tree), select, known)
        return known.get(id(source), ())

    def meaning(self, offer: Offer, column: exp.Column) -> Meaning | None:
        """Return what a column of an offer's condition means."""
        if not column.table and folded(column.name) in offer.hidden:
            return None
        meaning = self._names.meaning(offer.scope, column)
        return meaning if offer.keys is None or meaning in offer.keys else None

    # What holds for the rows that FROM gives.
    def _above(self, select: exp.Select, tree: Tree) -> list[Offer]:
        where = select.args.get("where")
        offers = [] if where is None else self._conjuncts(where.this, select)
        offers += self._having(select)
        offers += self._outside(select)
        reason = _obstacle(select, tree)
        return _blocked(offers, reason) if reason else offers

    def _outside(self, select: exp.Select) -> list[Offer]:
        source = self._names.outer(select)
        scope = None if source is None else source.find_ancestor(exp.Query)
        while isinstance(scope, exp.Subquery):
            scope = scope.find_ancestor(exp.Query)
        if source is None or not isinstance(scope, exp.Select):
            return []
        tree = self._names.tree(scope)
        is_source = tree is not None and any(leaf.node is source for leaf in leaves_of(tree))
        offers = list(self.offers(source, scope)) if is_source else []
        return offers if is_row_by_row(select) else _blocked(offers, _SUMMARIZED)

    def _having(self, select: exp.Select) -> list[Offer]:
        having, group = select.args.get("having"), select.args.get("group")
        if having is None or group is None:
            return []
        keys = _Keys(self._names, select).of(group)
        hidden = self._renamed(select)
        return [
            replace(offer, keys=keys, hidden=hidden)
            for offer in self._conjuncts(having.this, select)
        ]

    # In HAVING an item of the SELECT may stand before a column of its name.
    def _renamed(self, select: exp.Select) -> frozenset[str]:
        hidden: set[str] = set()
        for item in select.expressions:
            name, value = folded(item.output_name), value_of(item)
            is_same = isinstance(value, exp.Column) and folded(value.name) == name
            meaning = self._names.meaning(select, value) if isinstance(value, exp.Column) else None
            if not is_same or meaning is None:
                hidden.add(name)
        return frozenset(hidden)

    def _conjuncts(self, condition: exp.Expr, select: exp.Select) -> list[Offer]:
        offers = [Offer(part, select) for part in _split(condition)]
        is_uncertain = self._has_arrow and _has_bare_arrow(condition)
        return _blocked(offers, _ARROW) if is_uncertain else offers

    # Without recursion, as a FROM may be deep.
    def _walk(
        self,
        tree: Tree,
        offers: Sequence[Offer],
        select: exp.Select,
        arrivals: dict[int, Sequence[Offer]],
    ) -> None:
        is_ordered = self._is_ordered(select)
        if is_ordered and isinstance(tree, Joined):
            offers = _blocked(offers, _ORDERED)
        pending: list[tuple[Tree, Sequence[Offer], bool]] = [(tree, offers, is_ordered)]
        while pending:
            node, above, is_ordered = pending.pop()
            match node:
                case Leaf(source):
                    is_sampled = source.args.get("sample") is not None
                    arrivals[id(source)] = _blocked(above, _SAMPLED) if is_sampled else above
                case Renamed(inner):
                    pending.append((inner, (), is_ordered))
                case Joined():
                    on = self._on(node, select)
                    on = _blocked(on, _ORDERED) if is_ordered else on
                    left, right = _sides(node.kind, above, on)
                    is_ordered = is_ordered or node.kind is JoinKind.OTHER
                    pending += ((node.left, left, is_ordered), (node.right, right, is_ordered))

    # Whether a POSITIONAL JOIN outside pairs the rows of a SELECT by their order.
    def _is_ordered(self, select: exp.Select) -> bool:
        source = self._names.outer(select)
        while source is not None:
            scope = source.find_ancestor(exp.Select)
            tree = None if scope is None else self._names.tree(scope)
            if scope is None or (tree is not None and is_paired(tree, source)):
                return scope is not None
            source = self._names.outer(scope)
        return False

    def _on(self, join: Joined, select: exp.Select) -> list[Offer]:
        if join.on is None:
            return []
        offers = self._conjuncts(join.on, select)
        reason = _obstacle_to_on(select)
        return _blocked(offers, reason) if reason else offers


def _sides(
    kind: JoinKind, above: Sequence[Offer], on: Sequence[Offer]
) -> tuple[Sequence[Offer], Sequence[Offer]]:
    """Return what reaches the left and the right side of a join.

    Args:
        kind: Of the join.
        above: What holds for its rows.
        on: Its own condition.
    """
    match kind:
        case JoinKind.INNER:
            return [*above, *on], [*above, *on]
        case JoinKind.LEFT:
            return [*above, *_blocked(on, _ON_PRESERVED)], [*_dropping_nulls(above), *on]
        case JoinKind.RIGHT:
            return [*_dropping_nulls(above), *on], [*above, *_blocked(on, _ON_PRESERVED)]
        case JoinKind.FULL:
            both = [*_dropping_nulls(above), *_blocked(on, _ON_PRESERVED)]
            return both, both
        # The right side of these two cannot be seen from above.
        case JoinKind.SEMI:
            return [*above, *on], on
        case JoinKind.ANTI:
            return [*above, *_blocked(on, _ON_ANTI)], on
        case JoinKind.ASOF:
            return [*above, *_blocked(on, _ASOF)], _blocked([*above, *on], _ASOF)
    both = _blocked([*above, *on], _OTHER_JOIN)
    return both, both


def _blocked(offers: Iterable[Offer], reason: str) -> list[Offer]:
    return [offer if offer.blocked else replace(offer, blocked=reason) for offer in offers]


def _dropping_nulls(offers: Iterable[Offer]) -> list[Offer]:
    return [replace(offer, drops_nulls=True) for offer in offers]


def _obstacle(select: exp.Select, tree: Tree) -> str:
    if select.args.get("sample") is not None:
        return _SAMPLED
    if not set_parts(select) <= _KNOWN_CLAUSES:
        return "the SELECT has a clause that is not understood"
    nodes = [leaf.node for leaf in leaves_of(tree)]
    return _RESHAPED if any(node.args.get("pivots") for node in nodes) else ""


def _obstacle_to_on(select: exp.Select) -> str:
    if select.args.get("sample") is not None:
        return _SAMPLED
    return "" if set_parts(select) <= _KNOWN_CLAUSES else "the SELECT is not understood"


def _split(condition: exp.Expr) -> list[exp.Expr]:
    """Return what must all be true, in the order of the text."""
    found: list[exp.Expr] = []
    pending = [condition]
    while pending:
        node = pending.pop()
        if isinstance(node, exp.And) and set_parts(node) == {"this", "expression"}:
            pending += (node.expression, node.this)
        elif isinstance(node, exp.Paren) and set_parts(node) == {"this"}:
            pending.append(node.this)
        else:
            found.append(node)
    return found


# `a OR b -> 'c' = 'd'` is `(a OR b) -> ('c' = 'd')` to DuckDB.
def _has_bare_arrow(condition: exp.Expr) -> bool:
    arrows = condition.find_all(exp.JSONExtract)
    return not all(isinstance(arrow.parent, exp.Paren) for arrow in arrows)


class _Keys:
    """What a SELECT groups by, as far as it is columns of calls."""

    def __init__(self, names: Names, select: exp.Select) -> None:
        self._names = names
        self._select = select

    def of(self, group: exp.Group) -> frozenset[Meaning]:
        """Return the columns whose value all rows of a group share."""
        parts = set_parts(group)
        if parts == {"all"}:
            items = self._select.expressions
            found = [self._column(value_of(item)) for item in items]
        elif parts == {"expressions"} and not group.find(*_GROUPINGS):
            found = [self._key(key) for key in group.expressions]
        else:
            return frozenset()
        return frozenset(meaning for meaning in found if meaning is not None)

    def _key(self, key: exp.Expr) -> Meaning | None:
        items = self._select.expressions
        if isinstance(key, exp.Literal):
            position = int(key.name) if not key.is_string and key.name.isdecimal() else 0
            is_certain = not any(item.find(exp.Star, exp.Columns) for item in items[:position])
            inside = 1 <= position <= len(items)
            return self._column(value_of(items[position - 1])) if inside and is_certain else None
        meaning = self._column(key)
        if meaning is not None or not isinstance(key, exp.Column) or key.table:
            return meaning
        aliased = [item for item in items if isinstance(item, exp.Alias)]
        named = [item for item in aliased if folded(item.alias) == folded(key.name)]
        return self._column(named[0].this) if len(named) == 1 else None

    def _column(self, node: exp.Expr) -> Meaning | None:
        while isinstance(node, exp.Paren):
            node = node.this
        return self._names.meaning(self._select, node) if isinstance(node, exp.Column) else None


def value_of(item: exp.Expr) -> exp.Expr:
    """Return an item of a SELECT without its alias."""
    return item.this if isinstance(item, exp.Alias) else item
