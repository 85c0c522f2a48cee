"""A call of a table function, checked and turned into what is read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spanduck._function.long_tables import ANNOTATIONS, EVALUATIONS, LongRelation
from spanduck._function.projects import ProjectsRelation
from spanduck._function.spans import SpansRelation
from spanduck._scan.planner import ScanRequest
from spanduck._scan.schema_cache import project_schema
from spanduck.exceptions import FilterError, UnknownProjectError, ValidationError
from spanduck_sql.language.binding import bind
from spanduck_sql.language.columns import columns_of_schema
from spanduck_sql.language.parser import parse
from spanduck_sql.pushdown import Window, split_generated

if TYPE_CHECKING:
    import pyarrow as pa

    from spanduck._function.attachment import Attachment
    from spanduck._function.source import Relation
    from spanduck._scan.schema_cache import ProjectSchema

# What the service's documentation says of the share of traces.
_SMALLEST_RATE = 1e-6
LONG_TABLES: Final = {"evaluations": EVALUATIONS, "annotations": ANNOTATIONS}


@dataclass(frozen=True)
class Call:
    """Arguments as the macro passes them; None where NULL.

    Attributes:
        function: Which table function.
        project: Name of the project.
        start_us: Microseconds since the epoch, inclusive.
        end_us: Likewise, exclusive.
        filter_text: In the filter language; of `write_back` its further arguments, as JSON.
        columns: SQL names.
        sample_rate: Share of the traces.
        space: Name or id.
    """

    function: str
    project: str | None
    start_us: int | None
    end_us: int | None
    filter_text: str | None
    columns: list[str] | None
    sample_rate: float | None
    space: str | None


def relation_for(attachment: Attachment, call: Call) -> Relation:
    """Return what a call stands for; asks for the project's schema when it is not known.

    Raises:
        Error: An argument is impossible, or the service cannot be asked.
    """
    if call.function == "projects":
        return ProjectsRelation(attachment, call.space or attachment.settings.service.space)
    if call.function not in ("spans", *LONG_TABLES):
        raise ValidationError(
            f"there is no table function {call.function!r}",
            next_step="Run spanduck.attach(con, replace=True): the macros are of another version.",
        )
    if not call.project:
        raise ValidationError(
            f"{call.function}(…) needs a project, not {call.project!r}",
            next_step=f"Write {call.function}('my-project'); FROM projects() lists them.",
        )
    filter_text = _filter(call)
    space = attachment.space(call.space)
    schema = _schema(attachment, space, call.project)
    _check_filter(attachment, filter_text, schema.declared)
    request = ScanRequest(
        project=call.project,
        space=space,
        schema=schema.declared,
        window=Window(call.start_us, call.end_us),
        filter_text=filter_text,
        sample_rate=_sample_rate(call),
    )
    if call.function in LONG_TABLES:
        return LongRelation(attachment, request, LONG_TABLES[call.function])
    return SpansRelation(
        attachment,
        request,
        columns=call.columns,
        row_estimate=schema.rows if schema.rows >= 0 else None,
    )


def _schema(attachment: Attachment, space: str, project: str) -> ProjectSchema:
    try:
        return project_schema(attachment.settings, attachment.flight, space=space, project=project)
    except UnknownProjectError as exc:
        raise attachment.rest.unknown_project(project, space) from exc


def _filter(call: Call) -> str:
    if call.filter_text is None:
        return ""
    if not call.filter_text.strip():
        raise FilterError(
            "filter := '' is no filter", next_step="Leave it out, or pass NULL, for none."
        )
    return call.filter_text


def _check_filter(attachment: Attachment, text: str, schema: pa.Schema) -> None:
    """Refuse a filter that is none, and say what in it can match nothing."""
    given, _ = split_generated(text)
    if not given or not attachment.settings.local.strict:
        return
    bound = bind(parse(given), columns_of_schema(schema), text=given)
    for warning in bound.warnings:
        attachment.say_once(f"spanduck: filter := {given!r}: {warning}")


def _sample_rate(call: Call) -> float | None:
    rate = call.sample_rate
    if rate is None:
        return None
    if math.isnan(rate) or not _SMALLEST_RATE <= rate <= 1:
        raise ValidationError(
            f"sample_rate := {rate:g} is no share of the traces",
            next_step="Give a number from 0.000001 to 1.",
        )
    return rate
