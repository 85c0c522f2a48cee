"""What was said of the spans of a list: evaluations and annotations, as lists show them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from spanduck._wire import time_text
from spanduck.server import statements
from spanduck_sql.schema import ANNOTATION_VALUES, EVALUATION_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from duckdb import DuckDBPyConnection

    from spanduck.server.catalogue import ProjectCatalogue
    from spanduck.server.list_items import Selection

_TRACE: Final = "trace"


# `Any`: JSON.
@dataclass
class Remarks:
    """The remarks on one span.

    Evaluations are those of the span itself: the protocol has no place that tells the levels apart,
    and another level's may bear the same name.

    Attributes:
        evaluations: Evaluations of the span.
        annotations: Annotations of the span, or of the session whose root it is.
        trace_annotations: Annotations of the trace whose root it is.
    """

    evaluations: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    trace_annotations: list[dict[str, Any]] = field(default_factory=list)


NONE: Final = Remarks()


def read_remarks(
    cursor: DuckDBPyConnection,
    catalogue: ProjectCatalogue,
    selection: Selection,
    span_ids: Sequence[str],
) -> Mapping[str, Remarks]:
    """Return the remarks on spans by their ids."""
    by_span: dict[str, Remarks] = {}
    values = {"ids": list(span_ids)}
    if selection.evaluations and span_ids:
        tables = (("evaluations", catalogue.evaluations_table),)
        sql = statements.script_on("list_evaluations", tables)
        for span_id, name, *said in cursor.execute(sql, values).fetchall():
            wanted = selection.evaluations.get(name, frozenset())
            shown = _wanted(EVALUATION_FIELDS, said, wanted)
            if shown:
                by_span.setdefault(span_id, Remarks()).evaluations.append({"name": name, **shown})
    if selection.annotations and span_ids:
        tables = (("annotations", catalogue.annotations_table),)
        sql = statements.script_on("list_annotations", tables)
        for span_id, level, name, *said, by, at in cursor.execute(sql, values).fetchall():
            wanted = selection.annotations.get(name, frozenset())
            shown = _wanted(ANNOTATION_VALUES, said, wanted)
            if not shown:
                continue
            remarks = by_span.setdefault(span_id, Remarks())
            of_trace = level == _TRACE
            items = remarks.trace_annotations if of_trace else remarks.annotations
            annotator = None if by is None else {"id": by, "email": by}
            shown |= {"updated_at": time_text(at), "annotator": annotator}
            items.append({"name": name, **shown})
    return by_span


def _wanted(
    fields: Sequence[str], values: Sequence[Any], wanted: AbstractSet[str]
) -> dict[str, Any]:
    """Return the fields, null those that are not wanted; nothing where all are null then."""
    shown = {
        name: _finite(value) if name in wanted else None
        for name, value in zip(fields, values, strict=True)
    }
    return shown if any(value is not None for value in shown.values()) else {}


def _finite(value: Any) -> Any:
    # JSON has no notation for a score that is no number.
    return None if isinstance(value, float) and not math.isfinite(value) else value
