"""The FROM of a SELECT as a tree: what is read, and how it is joined."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Iterator

_JOIN_PARTS: Final = frozenset({"this", "on", "using", "side", "kind", "method"})


class JoinKind(Enum):
    """What a join keeps of its two sides."""

    INNER = auto()
    """Also CROSS JOIN, a comma, and a lateral one of these."""
    LEFT = auto()
    RIGHT = auto()
    FULL = auto()
    SEMI = auto()
    ANTI = auto()
    ASOF = auto()
    """Inner or LEFT."""
    OTHER = auto()
    """POSITIONAL, and whatever is not known."""


@dataclass(frozen=True, eq=False)
class Leaf:
    """A table, call, subquery or whatever else is read.

    Attributes:
        node: As parsed.
    """

    node: exp.Expr


@dataclass(frozen=True, eq=False)
class Joined:
    """Two sides and how they are joined.

    Attributes:
        left: Of the join.
        right: Of the join.
        kind: What is kept.
        on: The condition; None without one.
        using: Columns of USING.
        is_natural: Whether columns of one name are one.
    """

    left: Tree
    right: Tree
    kind: JoinKind
    on: exp.Expr | None = None
    using: tuple[str, ...] = ()
    is_natural: bool = False


@dataclass(frozen=True, eq=False)
class Renamed:
    """A join in parentheses with a name, behind which the names inside cannot be seen.

    Attributes:
        inner: What is in parentheses.
        node: As parsed.
    """

    inner: Tree
    node: exp.Subquery


Tree = Leaf | Joined | Renamed


def tree_of(select: exp.Select) -> Tree | None:
    """Return what a SELECT reads; None when it has no FROM."""
    source = select.args.get("from_")
    if not isinstance(source, exp.From):
        return None
    # A comma joins last: `a, b RIGHT JOIN c` is `a` beside the join of `b` and `c`.
    whole: Tree | None = None
    current = _source(source.this)
    for join in select.args.get("joins") or ():
        if _is_comma(join):
            whole = current if whole is None else Joined(whole, current, JoinKind.INNER)
            current = _source(join.this)
        else:
            current = _joined(current, join)
    return current if whole is None else Joined(whole, current, JoinKind.INNER)


def joins_of(tree: Tree) -> list[Joined]:
    """Return every join."""
    return [node for node in _nodes(tree, through_names=True) if isinstance(node, Joined)]


def leaves_of(tree: Tree) -> list[Leaf | Renamed]:
    """Return what names outside of the FROM can mean, from left to right."""
    return [node for node in _nodes(tree) if not isinstance(node, Joined)]


def is_paired(tree: Tree, source: exp.Expr) -> bool:
    """Tell whether a source is below a join that pairs rows by their order."""
    found = [node for node in _nodes(tree, through_names=True) if isinstance(node, Joined)]
    below = (
        side for node in found if node.kind is JoinKind.OTHER for side in (node.left, node.right)
    )
    return any(
        isinstance(leaf, Leaf | Renamed) and leaf.node is source
        for side in below
        for leaf in _nodes(side, through_names=True)
    )


# Without recursion: a FROM of a thousand tables is as deep.
def _nodes(tree: Tree, *, through_names: bool = False) -> Iterator[Tree]:
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, Joined):
            pending += (node.right, node.left)
        elif isinstance(node, Renamed) and through_names:
            pending.append(node.inner)


def set_parts(node: exp.Expr) -> frozenset[str]:
    """Return the names of the arguments of a node that say something."""
    return frozenset(
        name for name, value in node.args.items() if value is not None and value not in (False, [])
    )


def _source(node: exp.Expr) -> Tree:
    tree: Tree = Leaf(node)
    # A table in parentheses, with the joins beside it, is a subquery to sqlglot.
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table | exp.Subquery):
        inner, parts = _source(node.this), set_parts(node)
        if parts <= {"this", "joins"}:
            tree = inner
        elif not isinstance(inner, Leaf) or not isinstance(node.this, exp.Subquery):
            tree = Renamed(inner, node)
    for join in node.args.get("joins") or ():
        tree = _joined(tree, join)
    return tree


def _is_comma(join: exp.Join) -> bool:
    return set_parts(join) == {"this"}


def _joined(left: Tree, join: exp.Join) -> Joined:
    on = join.args.get("on")
    using = tuple(column.name for column in join.args.get("using") or ())
    is_natural = join.method.upper() == "NATURAL"
    return Joined(left, _source(join.this), _kind(join), on, using, is_natural)


_SIDES: Final = {
    "": JoinKind.INNER,
    "LEFT": JoinKind.LEFT,
    "RIGHT": JoinKind.RIGHT,
    "FULL": JoinKind.FULL,
}


def _kind(join: exp.Join) -> JoinKind:
    if set_parts(join) - _JOIN_PARTS:
        return JoinKind.OTHER
    method, side, kind = join.method.upper(), join.side.upper(), join.kind.upper()
    match method, side, kind:
        case (("" | "NATURAL"), "", ("SEMI" | "ANTI")):
            return JoinKind[kind]
        case (("" | "NATURAL"), _, ("" | "INNER" | "OUTER" | "CROSS")):
            if (kind == "OUTER") <= bool(side) and (kind in {"INNER", "CROSS"}) <= (not side):
                return _SIDES.get(side, JoinKind.OTHER)
        case "ASOF", ("" | "LEFT"), ("" | "INNER" | "OUTER"):
            return JoinKind.ASOF
    return JoinKind.OTHER
