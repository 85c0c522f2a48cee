"""What of a predicate travels to the service: a window on the start of a span, and a filter.

Everything here is inclusive: what is sent may keep extra rows and never loses one. The predicates
themselves are applied again, exactly, to the arriving batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final

from spanduck_sql.errors import FilterError
from spanduck_sql.expressions import (
    TIMESTAMP_TZ,
    AlwaysTrue,
    And,
    Between,
    Compare,
    Comparison,
    Contains,
    In,
    IsNull,
    Like,
    Opaque,
    Or,
    Predicate,
    all_of,
)
from spanduck_sql.expressions import conjuncts as conjuncts_of
from spanduck_sql.inclusive import inclusive, inclusive_parts
from spanduck_sql.language.parser import parse
from spanduck_sql.language.printer import to_text
from spanduck_sql.schema import START_TIME
from spanduck_sql.targets import (
    GENERATED_MARK,
    NAN_FIELD_KEY,
    NAN_STORED,
    WIRE_KIND_KEY,
    Pushing,
)
from spanduck_sql.visitors import Visitor, fold, push_not_down

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

__all__ = [
    "GENERATED_MARK",
    "MAX_FILTER_BYTES",
    "NAN_FIELD_KEY",
    "NAN_STORED",
    "WIRE_KIND_KEY",
    "Pushdown",
    "Pushing",
    "Window",
    "inclusive",
    "push_down",
    "sent_text",
    "split_generated",
    "window_of",
    "with_generated",
]

MAX_FILTER_BYTES: Final = 16_384
"""Longest text that we send of our own accord; the service's limit is not documented."""

_TOO_LONG: Final = "the filter would be longer than {:,} bytes; the longest lists are left out"


@dataclass(frozen=True)
class Window:
    """A half-open range of microseconds since the epoch; None where it is open.

    Attributes:
        start: First microsecond inside.
        end: First microsecond outside.
    """

    start: int | None = None
    end: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no instant is inside."""
        return self.start is not None and self.end is not None and self.start >= self.end

    @property
    def is_bounded(self) -> bool:
        """Whether it has at least one bound."""
        return self.start is not None or self.end is not None

    def intersect(self, other: Window) -> Window:
        """Return what is inside both."""
        starts = [bound for bound in (self.start, other.start) if bound is not None]
        ends = [bound for bound in (self.end, other.end) if bound is not None]
        return Window(max(starts, default=None), min(ends, default=None))

    def hull(self, other: Window) -> Window:
        """Return the smallest range that holds both."""
        if self.is_empty:
            return other
        if other.is_empty:
            return self
        is_open_left = self.start is None or other.start is None
        is_open_right = self.end is None or other.end is None
        return Window(
            None if is_open_left else min(self.start or 0, other.start or 0),
            None if is_open_right else max(self.end or 0, other.end or 0),
        )


@dataclass(frozen=True)
class Pushdown:
    """What becomes of the conjuncts of a scan.

    Attributes:
        window: What is sent of them as a window.
        filter: What is sent of them as a filter, beside the one that was given; None for nothing.
        not_pushed: Text and reason of each conjunct that is absent from both.
    """

    window: Window
    filter: Predicate | None = None
    not_pushed: tuple[tuple[str, str], ...] = ()


_BETWEEN_BOTH: Final = ") AND "
# What joins a part to the others, and all of them to a filter that was given.
_JOIN_BYTES: Final = len(" AND ()")
_FRAME_BYTES: Final = len(f"({_BETWEEN_BOTH}{GENERATED_MARK}()")


def push_down(
    conjuncts: Iterable[Predicate],
    window: Window,
    *,
    schema: pa.Schema,
    mode: Pushing = "standard",
    given: Predicate | None = None,
    max_text: int = MAX_FILTER_BYTES,
) -> Pushdown:
    """Find the narrowest window and filter that we can send and that lose no row.

    Args:
        conjuncts: All of them hold for every row that is wanted.
        window: Bounds from the call's own arguments.
        schema: The declared schema of the project.
        mode: What is assumed of the service; see `Pushing`.
        given: The filter that is sent in any case, and not repeated.
        max_text: Longest text of both filters, in bytes. What is too long is left out, the longest
            lists first.
    """
    single = [conjunct for whole in conjuncts for conjunct in conjuncts_of(whole)]
    pushed = [
        (conjunct, window_of(conjunct), tree, reason)
        for conjunct, (tree, reason) in zip(
            single, inclusive_parts(single, schema, mode), strict=True
        )
    ]
    asked = frozenset(() if given is None else conjuncts_of(given))
    parts = dict.fromkeys(
        part
        for _, _, tree, _ in pushed
        for part in (() if tree is None else conjuncts_of(tree))
        if part not in asked
    )
    sent = _within(max_text, given, tuple(parts))
    travelling = asked.union(sent)
    not_pushed: list[tuple[str, str]] = []
    for conjunct, implied, tree, reason in pushed:
        if implied.is_bounded:
            window = window.intersect(implied)
        elif tree is None:
            not_pushed.append((str(conjunct), reason))
        elif travelling.isdisjoint(conjuncts_of(tree)):
            not_pushed.append((str(conjunct), _TOO_LONG.format(max_text)))
    return Pushdown(window, all_of(sent) if sent else None, tuple(not_pushed))


def _within(
    max_text: int, given: Predicate | None, parts: Sequence[Predicate]
) -> tuple[Predicate, ...]:
    """Return those of `parts` that fit beside `given`, in their order."""
    size_by_part = {part: len(to_text(part).encode()) + _JOIN_BYTES for part in parts}
    size = sum(size_by_part.values()) + _FRAME_BYTES
    if given is not None and not isinstance(given, AlwaysTrue):
        size += len(to_text(given).encode())
    if size <= max_text:
        return tuple(parts)
    dropped: set[Predicate] = set()
    for part in sorted(parts, key=lambda part: (-_longest_list(part), -size_by_part[part])):
        if size <= max_text:
            break
        dropped.add(part)
        size -= size_by_part[part]
    return tuple(part for part in parts if part not in dropped)


def _longest_list(predicate: Predicate) -> int:
    match predicate:
        case In(_, literals):
            return len(literals)
        case And() | Or():
            return max(map(_longest_list, predicate.operands))
    return 0


def sent_text(given_text: str, generated: Predicate | None) -> str:
    """Return the text that travels: a user's filter, as it is if nothing is added to it, and ours.

    Args:
        given_text: What the user wrote; empty for nothing. A text that is no filter is returned as
            it is: nothing can be added to it.
        generated: As `push_down` makes them.
    """
    if generated is None:
        return given_text
    return _joined(given_text, f"({to_text(generated)})") if given_text else to_text(generated)


def with_generated(given_text: str, generated: Predicate) -> str:
    """Return one text of a user's filter and of ours, which `split_generated` takes apart.

    Args:
        given_text: As of `sent_text`.
        generated: As of `sent_text`.
    """
    ours = f"{GENERATED_MARK}({to_text(generated)})"
    return _joined(given_text, ours) if given_text else ours


def _joined(given_text: str, ours: str) -> str:
    try:
        given = parse(given_text)
    except FilterError:
        return given_text
    # From the tree: a comment at the end of the text would swallow the parenthesis.
    return f"({to_text(given)}{_BETWEEN_BOTH}{ours}"


def split_generated(text: str) -> tuple[str, Predicate | None]:
    """Return the user's part of a text, and ours; a text of any other form is the user's."""
    if not text.endswith(")"):
        return text, None
    before, mark, ours = text[:-1].rpartition(f"{GENERATED_MARK}(")
    if not mark:
        return text, None
    given = ""
    if before:
        if not before.startswith("(") or not before.endswith(_BETWEEN_BOTH):
            return text, None
        given = before[1 : -len(_BETWEEN_BOTH)]
    try:
        generated = parse(ours)
        is_ours = to_text(generated) == ours and (not given or to_text(parse(given)) == given)
    except FilterError:
        is_ours = False
    return (given, generated) if is_ours and (given or not before) else (text, None)


def window_of(predicate: Predicate, *, column: str = START_TIME) -> Window:
    """Return the smallest window outside of which `predicate` is never true."""
    return fold(push_not_down(predicate), _WindowOf(column))


class _WindowOf(Visitor[Window]):
    def __init__(self, column: str) -> None:
        self._column = column

    def always_true(self) -> Window:
        return Window()

    def compare(self, predicate: Compare) -> Window:
        literal = predicate.literal
        if predicate.column != self._column or literal.type != TIMESTAMP_TZ:
            return Window()
        at = literal.value
        if not isinstance(at, int):
            return Window()
        match predicate.op:
            case Comparison.EQ:
                return Window(at, at + 1)
            case Comparison.LT:
                return Window(None, at)
            case Comparison.LE:
                return Window(None, at + 1)
            case Comparison.GT:
                return Window(at + 1, None)
            case Comparison.GE:
                return Window(at, None)
            case _:
                return Window()

    def is_in(self, predicate: In) -> Window:
        if predicate.column != self._column:
            return Window()
        instants = [item.value for item in predicate.literals if isinstance(item.value, int)]
        if len(instants) < len(predicate.literals) or not instants:
            return Window()
        return Window(min(instants), max(instants) + 1)

    def between(self, predicate: Between) -> Window:
        low, high = predicate.low.value, predicate.high.value
        is_time = predicate.low.type == predicate.high.type == TIMESTAMP_TZ
        if predicate.column != self._column or not is_time:
            return Window()
        if not isinstance(low, int) or not isinstance(high, int):
            return Window()
        return Window(low, high + 1)

    # Leaves of other kinds bound nothing.
    def like(self, predicate: Like) -> Window:  # noqa: ARG002
        return Window()

    def contains(self, predicate: Contains) -> Window:  # noqa: ARG002
        return Window()

    def is_null(self, predicate: IsNull) -> Window:  # noqa: ARG002
        return Window()

    def opaque(self, predicate: Opaque) -> Window:  # noqa: ARG002
        return Window()

    def all_of(self, operands: Sequence[Window]) -> Window:
        return reduce(Window.intersect, operands)

    def any_of(self, operands: Sequence[Window]) -> Window:
        return reduce(Window.hull, operands)

    # NOT stands before leaves that bound nothing when they are turned round.
    def negated(self, operand: Window) -> Window:  # noqa: ARG002
        return Window()
