"""What a write-back would do, before it does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from spanduck.exceptions import Error

if TYPE_CHECKING:
    import pyarrow as pa

    from spanduck._write_back.ledger import Ledger

SAMPLE_ROWS = 5


@dataclass(frozen=True, eq=False)
class WritePlan:
    """What a run of a model would send now; nothing was sent.

    It owns the values, in a file that is removed by `close`, at the end of a `with` block, or with
    the plan itself. `values` is the sum of the five counts after it.

    Attributes:
        model: Name of the model.
        kind: `eval`, `annotation` or `metadata`.
        project: Name of the project.
        space: Id of the space.
        rows: Rows of the model.
        values: Values in them that a run would look at.
        new: Values under names that the spans do not have.
        changed: Values that would take the place of others.
        unchanged: Values that the service has already; a run does not send them.
        invalid: Values that cannot be sent, and why is told by `sample`.
        duplicate: Values equal to one of an earlier row.
        unmatched: Values whose key no span has; whether a span id is known only a run tells.
        left: Values that a run would not look at, because of `limit` or `only_failed`.
        against: What they were compared with: `state` or `service`.
        state: Where the state is kept.
        calls: Calls that a run would make.
        bytes: Bytes of record batches it would send.
        seconds: How long planning took, the query included.
    """

    model: str
    kind: str
    project: str
    space: str
    rows: int
    values: int
    new: int
    changed: int
    unchanged: int
    invalid: int
    duplicate: int
    unmatched: int
    left: int
    against: str
    state: str
    calls: int
    bytes: int
    seconds: float
    _ledger: Ledger = field(repr=False)

    def counts(self) -> dict[str, int]:
        """Return the counts that `values` is the sum of, by name."""
        names = ("new", "changed", "unchanged", "invalid", "duplicate", "unmatched")
        return {name: getattr(self, name) for name in names}

    def sample(self, rows: int = SAMPLE_ROWS) -> pa.Table:
        """Return the first values of each count.

        Args:
            rows: Most values of a count.

        Returns:
            A table of (plan, row int64, span_id, name, label, score double, body, reason), by
            `plan` (new, changed, …) and row. `body` is the explanation, the text, or the metadata
            as JSON text; `reason` is null but for invalid, duplicate and unmatched values.

        Raises:
            Error: The plan is closed.
        """
        if self._ledger.is_closed:
            raise Error(
                "the plan is closed, and its values are gone with it",
                next_step="Read them before the end of the with block.",
            )
        return self._ledger.plan_sample(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the public attributes by name."""
        return {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name != "_ledger"
        }

    def close(self) -> None:
        """Remove the values' file; the counts stay. Idempotent."""
        self._ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
