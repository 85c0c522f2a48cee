"""What a write-back came to, value by value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from spanduck._write_back.ledger import OUTCOME_SCHEMA, Ledger
from spanduck._write_back.outcomes import Status
from spanduck.exceptions import Error, WriteBackError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType


@dataclass(frozen=True, eq=False)
class WriteBackReport:
    """What a write-back came to.

    It owns the values and outcomes, in a file that is removed by `close`, at the end of a `with`
    block, or with the report itself. The unit is a value: one evaluation or annotation of one span,
    one key of its metadata, or one patch of it; `values` is the sum of the six counts after it.

    Attributes:
        run_id: A name of this run that no other has; `spanduck_state.runs` has it.
        model: Name of the model.
        kind: `eval`, `annotation` or `metadata`.
        project: Name of the project.
        space: Id of the space.
        rows: Rows of the model.
        values: Values in them. A row whose fields are all NULL has none.
        accepted: Values the service has taken.
        unchanged: Values it had already, which were not sent.
        invalid: Values we refused; they were not sent.
        duplicate: Values equal to one of an earlier row, which stands for both.
        rejected: Values the service refused, or whose way to it broke; among them those whose
            outcome is unknown.
        unmatched: Values of spans that the project does not have.
        new: Of the accepted ones, those under names that the spans did not have.
        changed: Of the accepted ones, those that took the place of others.
        left: Values that were not looked at, because of `limit` or `only_failed`; not in `values`.
        is_stopped: `max_invalid` or `max_rejected` ended the run.
        state: Where the state is kept.
        calls: Calls made.
        bytes: Bytes of the record batches sent.
        seconds: How long it took, the query included.
    """

    run_id: str
    model: str
    kind: str
    project: str
    space: str
    rows: int
    values: int
    accepted: int
    unchanged: int
    invalid: int
    duplicate: int
    rejected: int
    unmatched: int
    new: int
    changed: int
    left: int
    is_stopped: bool
    state: str
    calls: int
    bytes: int
    seconds: float
    _ledger: Ledger = field(repr=False)

    # `all` is the contract's word.
    def outcomes(self, *, all: bool = False) -> pa.RecordBatchReader:  # noqa: A002
        """Stream what became of each value that was not accepted, or of every value.

        Args:
            all: Tell accepted values too.

        Returns:
            A reader of (row int64, span_id, name, status, error_code, reason: string), ordered by
            row. `row` counts from 0 in the query's order. `name` is the value's, with the prefix
            `trace_eval.` or `session_eval.` where its level is not the span, and null of a patch.
            `status` is one of accepted, unchanged, invalid, duplicate, rejected, unmatched;
            `error_code` and `reason` are null for the first two. Without `all` unchanged values are
            left out as well. `error_code` is `outcome_unknown` where a value may or may not be
            stored. The report lives as long as the reader.

        Raises:
            Error: The report is closed.
        """
        if self._ledger.is_closed:
            raise Error(
                "the report is closed, and its outcomes are gone with it",
                next_step="Read them before the end of the with block.",
            )
        return pa.RecordBatchReader.from_batches(OUTCOME_SCHEMA, self._batches(all_values=all))

    def raise_for_status(self) -> None:
        """Raise when any value is invalid, rejected or unmatched; equal duplicates are no failure.

        Raises:
            WriteBackError: With the counts.
        """
        failed = {
            status: count
            for status in (Status.INVALID, Status.REJECTED, Status.UNMATCHED)
            if (count := self.counts()[status])
        }
        if failed:
            told = ", ".join(f"{count:,} {status}" for status, count in failed.items())
            raise WriteBackError(
                f"{sum(failed.values()):,} of {self.values:,} values were not written to "
                f"{self.project!r}: {told}",
                next_step="report.outcomes() tells each with its reason.",
                run_id=self.run_id,
                **{str(status): count for status, count in failed.items()},
            )

    def counts(self) -> dict[str, int]:
        """Return the six counts by status, in the order they are told; their sum is `values`."""
        return {str(status): getattr(self, status) for status in Status}

    def to_dict(self) -> dict[str, Any]:
        """Return the public attributes by name."""
        return {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name != "_ledger"
        }

    def close(self) -> None:
        """Remove the outcomes' file; the counts stay. Idempotent."""
        self._ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _batches(self, *, all_values: bool) -> Iterator[pa.RecordBatch]:
        # A generator of the report's own: it keeps the report, and so the file, while somebody
        # reads.
        yield from self._ledger.outcomes(all_values=all_values)
