"""What of a predicate travels to the service: for now the window it implies on a span's start.

Everything here is inclusive: what is sent may keep extra rows and never loses one. The predicates
themselves are applied again, exactly, to the arriving batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final

from spanduck_sql.expressions import (
    TIMESTAMP_TZ,
    Between,
    Compare,
    Comparison,
    Contains,
    In,
    IsNull,
    Like,
    Opaque,
    Predicate,
    Visitor,
    columns_of,
    fold,
    push_not_down,
)
from spanduck_sql.schema import START_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NOT_A_WINDOW: Final = "only bounds on start_time travel; applied to the arriving batches"
_NO_BOUND: Final = "it bounds start_time on neither side; applied to the arriving batches"


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
        window: What is sent of them.
        not_pushed: Text and reason of each conjunct that is absent from the window.
    """

    window: Window
    not_pushed: tuple[tuple[str, str], ...] = ()


def push_down(
    conjuncts: Iterable[Predicate], window: Window, *, column: str = START_TIME
) -> Pushdown:
    """Narrow `window` by what the conjuncts say about `column`.

    Args:
        conjuncts: All of them hold for every row that is wanted.
        window: Bounds from the call's own arguments.
        column: The SQL name of the span's start.
    """
    not_pushed: list[tuple[str, str]] = []
    for conjunct in conjuncts:
        implied = window_of(conjunct, column=column)
        if implied.is_bounded:
            window = window.intersect(implied)
        else:
            reason = _NO_BOUND if column in columns_of(conjunct) else _NOT_A_WINDOW
            not_pushed.append((str(conjunct), reason))
    return Pushdown(window, tuple(not_pushed))


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
