"""The names that values are sent under, and the columns that these are on the wire."""

from __future__ import annotations

from dataclasses import dataclass

from spanduck._write_back.kinds import EVAL, Kind
from spanduck_sql.schema import ANNOTATION_NOTES, AnnotationColumn, EvaluationColumn


@dataclass(frozen=True)
class SentName:
    """A name that has values to send.

    Attributes:
        kind: `eval` or `annotation`.
        level: `span`, `trace` or `session`.
        name: It.
        slot: Its place in its group.
        fields: The fields that any of its values has: `label`, `score`, `body`.
    """

    kind: Kind
    level: str
    name: str
    slot: int
    fields: tuple[str, ...]

    def column(self, field: str) -> str:
        """Return the wire's name for a field of it."""
        field = self.kind.body if field == "body" else field
        if self.kind is EVAL:
            return EvaluationColumn(self.level, self.name, field).column
        if self.name == ANNOTATION_NOTES:
            return ANNOTATION_NOTES
        return AnnotationColumn(self.name, field).column
