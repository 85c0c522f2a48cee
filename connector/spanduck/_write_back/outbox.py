"""The values of a write-back that are to be sent, in the order in which calls carry them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spanduck._write.partition import bucket_count, by_span
from spanduck._write_back.names import SentName

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    import pyarrow as pa

    from spanduck._write_back.intake import Intake
    from spanduck._write_back.kinds import Kind
    from spanduck._write_back.statements import Statements

_READ_ROWS: Final = 2_000


class Outbox:
    """What is to be sent of a ledger's values.

    Args:
        kind: Of the values.
        sql: The ledger's database.
        intake: Knows how many values there are.
        folder: For values that must be sorted.

    Attributes:
        kind: Of the values.
    """

    def __init__(self, kind: Kind, sql: Statements, intake: Intake, folder: Path) -> None:
        self.kind = kind
        self._sql = sql
        self._intake = intake
        self._folder = folder

    def groups(self) -> list[tuple[SentName, ...]]:
        """Return the names that have values to send, those that share calls together."""
        groups: list[list[SentName]] = []
        for group, slot, level, name, *has in self._sql.rows("list_groups"):
            if group == len(groups):
                groups.append([])
            fields = [
                field
                for field, is_there in zip(("label", "score", "body"), has, strict=True)
                if is_there
            ]
            groups[-1].append(SentName(self.kind, level, name, slot, tuple(fields)))
        return [tuple(group) for group in groups]

    def is_by_span(self) -> bool:
        """Whether the values to send come with all values of a span together."""
        return self._sql.number("is_by_span") > 0

    def to_send(self, group: int, *, sort: bool) -> Generator[pa.RecordBatch, None, None]:
        """Stream the values of a group that are to be sent now.

        Args:
            group: Position of the group in `groups`.
            sort: Bring all values of a span together; otherwise they come as they were added.

        Returns:
            Batches of (value_id, bucket, span_id, slot, label, score, body).
        """
        yield from self._ordered("to_send", {"call_group": group}, sort=sort)

    def patches_to_send(self) -> Generator[pa.RecordBatch, None, None]:
        """Stream the metadata to send, as (value_id, bucket, span_id, members), span by span."""
        yield from self._ordered("patches_to_send", {}, sort=True)

    def count(self) -> int:
        """Return how many values are queued, sent or not."""
        return self._sql.number("count_to_send")

    # `Any`: values of variables.
    def _ordered(
        self, name: str, variables: dict[str, Any], *, sort: bool
    ) -> Generator[pa.RecordBatch, None, None]:
        buckets = bucket_count(self._sql.number("measure_to_send")) if sort else 1
        given = {**variables, "buckets": buckets}
        batches = (
            batch
            for query in self._sql.portions(name, given, ids=self._intake.taken)
            for batch in query.to_arrow_reader(_READ_ROWS)
        )
        yield from by_span(batches, buckets, self._folder) if sort else batches
