"""What methods take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class AnnotationInput:
    """What is said of a record under one name. What is None leaves the stored value alone.

    Attributes:
        name: Which annotation.
        score: Its number; finite.
        label: Its category.
        text: In words.
    """

    name: str
    score: float | None = None
    label: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class AnnotateRecordInput:
    """What is said of one record.

    Attributes:
        record_id: Id of a span, of the root span of a trace, or of a session.
        values: One or more annotations, each of another name.
    """

    record_id: str
    values: Sequence[AnnotationInput]
