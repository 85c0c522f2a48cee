"""What the engine would read of each source, found out by planning a statement and no more.

A plan shows the columns that a scan reads and the conditions above it, but not which source it
reads. So for the planning each source has column names of its own, under a selection that gives
them back the names of the statement.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from spanduck._function.database import observing
from spanduck_sql.expressions import (
    And,
    Between,
    Compare,
    Contains,
    In,
    IsNull,
    Like,
    Not,
    Or,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from duckdb import DuckDBPyConnection

    from spanduck._function.calls import Call
    from spanduck._function.source import Relation
    from spanduck_sql.expressions import Predicate

_PLAN: Final = "physical_plan"
# The engine writes names into its plans without quotes.
_NAME: Final = re.compile(r"\bspanduck_(\d+)_(\d+)\b")


class ObservedRelation:
    """Stands for a relation while a statement is planned; it cannot be read.

    Attributes:
        call: The call it is of.
        relation: What it stands for.
        accepted: What the engine offered and was accepted, in order.
        columns: SQL names of the columns that the engine would read, in order; None when the plan
            has no scan of it.
        kept: Conditions of the plan on this relation alone, in the engine's words. Columns have
            names of our own (see `name_of`) or those of the statement, without quotes.
    """

    def __init__(self, number: int, call: Call, relation: Relation) -> None:
        self.call = call
        self.relation = relation
        self._number = number
        self._names: list[str] = relation.schema.names
        self._accepted: dict[Predicate, None] = {}
        self.columns: tuple[str, ...] | None = None
        self.kept: list[str] = []
        self.schema = pa.schema(
            [pa.field(self._own(place), item.type) for place, item in enumerate(relation.schema)]
        )
        self.row_estimate = relation.row_estimate

    @property
    def accepted(self) -> tuple[Predicate, ...]:
        """What the engine offered and was accepted."""
        return tuple(self._accepted)

    @property
    def selection(self) -> str:
        """The SQL that gives the columns back their names, before FROM."""
        return f"SELECT {', '.join(self._selected())} "

    def name_of(self, own: str) -> str | None:
        """Return the SQL name of the column that has a name of our own; None for any other."""
        found = _NAME.fullmatch(own)
        if found is None or int(found[1]) != self._number:
            return None
        return self._names[int(found[2])]

    def with_names(self, condition: str) -> str:
        """Return a condition of the plan with the columns' names in quotes."""

        def quoted(found: re.Match[str]) -> str:
            name = self.name_of(found[0])
            escaped = (name or found[0]).replace('"', '""')
            return f'"{escaped}"'

        return _NAME.sub(quoted, condition)

    def accepts(self, predicate: Predicate) -> bool:
        """Ask the relation, and note it."""
        ours = _renamed(predicate, dict(zip(self.schema.names, self._names, strict=True)))
        is_accepted = self.relation.accepts(ours)
        if is_accepted:
            self._accepted[ours] = None
        return is_accepted

    # Arguments are those of `Relation`.
    def read(
        self,
        columns: Sequence[str],  # noqa: ARG002
        predicates: Sequence[Predicate],  # noqa: ARG002
    ) -> pa.RecordBatchReader:
        """Never called: planning reads nothing."""
        raise AssertionError(f"{self.call.function} was read while it was only planned")

    def _own(self, place: int) -> str:
        return f"spanduck_{self._number}_{place}"

    def _selected(self) -> Iterator[str]:
        for place, name in enumerate(self._names):
            escaped = name.replace('"', '""')
            yield f'{self._own(place)} AS "{escaped}"'


def observe(con: DuckDBPyConnection, statement: str) -> list[ObservedRelation]:
    """Plan one statement on `con`; return what it would read, in the order of binding.

    A call that is bound twice is there twice, and one of them has no scan.
    """
    observed: list[ObservedRelation] = []

    def take_place(call: Call, relation: Relation) -> tuple[Relation, str]:
        observed.append(ObservedRelation(len(observed), call, relation))
        return observed[-1], observed[-1].selection

    with observing(take_place):
        rows = con.execute(f"EXPLAIN (FORMAT JSON) {statement}").fetchall()
    for kind, tree in rows:
        if kind == _PLAN:
            _note(json.loads(tree), observed)
    return observed


# `Any`: the engine's JSON. Without recursion: a plan may be deeper than Python's stack.
def _note(roots: list[Any], observed: Sequence[ObservedRelation]) -> None:
    pending = list(reversed(roots))
    while pending:
        node = pending.pop()
        pending += reversed(_children(node))
        names = _lines(node, "Projections")
        source = _source_of(names, observed)
        if source is not None:
            own = filter(None, map(source.name_of, names))
            source.columns = tuple(dict.fromkeys((*(source.columns or ()), *own)))
        if node.get("name") == "FILTER":
            read = _read_alone(node, observed)
            if read is not None:
                read.kept.append("\n".join(_lines(node, "Expression")))


def _source_of(names: list[str], observed: Sequence[ObservedRelation]) -> ObservedRelation | None:
    """Return the source whose columns alone have these names."""
    found = [_NAME.fullmatch(name) for name in names]
    numbers = {None if match is None else int(match[1]) for match in found}
    number = numbers.pop() if len(numbers) == 1 else None
    return None if number is None else observed[number]


# A condition that may fail stays above the call's selection, with the names of the statement.
def _read_alone(node: Any, observed: Sequence[ObservedRelation]) -> ObservedRelation | None:
    """Return the source below a node when there is but one, with nothing joined or grouped."""
    while True:
        source = _source_of(_lines(node, "Projections"), observed)
        children = _children(node)
        if source is not None or len(children) != 1 or node.get("name") not in _PASSING:
            return source
        node = children[0]


_PASSING: Final = frozenset({"FILTER", "PROJECTION"})


def _children(node: Any) -> list[Any]:
    return list(node.get("children", []))


# One line is a text, several are a list.
def _lines(node: Any, key: str) -> list[str]:
    value = node.get("extra_info", {}).get(key, [])
    return [value] if isinstance(value, str) else list(value)


def _renamed(predicate: Predicate, name_by_own: dict[str, str]) -> Predicate:
    match predicate:
        case And():
            return And(*(_renamed(item, name_by_own) for item in predicate.operands))
        case Or():
            return Or(*(_renamed(item, name_by_own) for item in predicate.operands))
        case Not():
            return Not(_renamed(predicate.operand, name_by_own))
        case Compare() | In() | Between() | Like() | Contains() | IsNull():
            return replace(predicate, column=name_by_own[predicate.column])
    return predicate
