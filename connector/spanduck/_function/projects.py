"""`projects()`: the projects of a space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spanduck._function.attachment import Attachment
    from spanduck_sql.expressions import Predicate

SCHEMA: Final = pa.schema(
    [
        ("id", pa.string()),
        ("name", pa.string()),
        ("space_id", pa.string()),
        ("created_at", pa.timestamp("us", tz="UTC")),
    ]
)
_BATCH_ROWS: Final = 100


class ProjectsRelation:
    """Projects of one space, or of all that the key may read, in the service's order."""

    schema = SCHEMA
    row_estimate = None

    def __init__(self, attachment: Attachment, space: str | None) -> None:
        self._attachment = attachment
        self._space = space

    def accepts(self, predicate: Predicate) -> bool:  # noqa: ARG002 - part of the protocol
        """Whether it is answered here: never, there are few projects."""
        return False

    def read(
        self,
        columns: Sequence[str],
        predicates: Sequence[Predicate],  # noqa: ARG002 - none is accepted
    ) -> pa.RecordBatchReader:
        """List the projects, page by page as they are read."""
        delivered = pa.schema([SCHEMA.field(name) for name in columns])
        return pa.RecordBatchReader.from_batches(delivered, self._batches(delivered))

    def _batches(self, delivered: pa.Schema) -> Iterator[pa.RecordBatch]:
        rows: list[dict[str, object]] = []
        for project in self._attachment.rest.projects(self._space):
            rows.append({name: getattr(project, name) for name in delivered.names})
            if len(rows) == _BATCH_ROWS:
                yield pa.RecordBatch.from_pylist(rows, schema=delivered)
                rows = []
        if rows:
            yield pa.RecordBatch.from_pylist(rows, schema=delivered)
