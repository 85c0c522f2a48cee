"""The field catalogue of the filter language: which names there are, and what they take.

A name is one text, however it was written (`attributes.metadata['tier']` is
`attributes.metadata.tier`). `canonical_name` maps the ways to say a field to one; `field_type`
tells what a canonical name takes, or that no such field can exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from spanduck_sql.schema import (
    ANNOTATION_NOTES,
    END_TIME,
    EVENT_ATTRIBUTES,
    EVENTS,
    LATENCY_MS,
    NAME,
    PARENT_ID,
    SPAN_ID,
    SPAN_KIND,
    START_TIME,
    STATUS_CODE,
    STATUS_MESSAGE,
    TRACE_ID,
    UPLOAD_COLUMNS,
    UPLOAD_SPAN_KIND,
    ColumnKind,
    UploadColumn,
)


class FieldType(StrEnum):
    """What a field takes."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    """A text literal in ISO 8601; UTC where it names no zone."""
    ANY = "any"
    """Whatever the literal is: the stored value is read as the literal's type."""


@dataclass(frozen=True)
class Field:
    """A field with a fixed name.

    Attributes:
        name: The canonical name.
        type: What it takes.
        about: What it is, with its unit, for the documentation.
    """

    name: str
    type: FieldType
    about: str = ""


_S, _N, _T, _A = FieldType.STRING, FieldType.NUMBER, FieldType.TIMESTAMP, FieldType.ANY

CORE_FIELDS: Final[tuple[Field, ...]] = (
    Field(NAME, _S, "name of the span"),
    Field(SPAN_KIND, _S, "upper case: LLM, CHAIN, TOOL, AGENT, RETRIEVER, …"),
    Field(STATUS_CODE, _S, "OK, ERROR or UNSET"),
    Field(STATUS_MESSAGE, _S, "what went wrong"),
    Field(PARENT_ID, _S, "id of the parent span; null for a root span"),
    Field(TRACE_ID, _S, "id of the trace"),
    Field(SPAN_ID, _S, "id of the span"),
    Field(START_TIME, _T, "when the span began"),
    Field(END_TIME, _T, "when it ended"),
    Field(LATENCY_MS, _N, "milliseconds from begin to end"),
    Field(EVENT_ATTRIBUTES, _S, "events as JSON text, tracebacks among them; use CONTAINS"),
    Field(EVENTS, _A, "list of events"),
)
"""Fields outside `attributes.`, evaluations and annotations."""

_TYPE_BY_KIND: Final = {
    ColumnKind.STRING: _S,
    ColumnKind.NUMERIC: _N,
    ColumnKind.BOOL: FieldType.BOOLEAN,
    ColumnKind.TIMESTAMP: _T,
}


def _attribute_fields(columns: tuple[UploadColumn, ...]) -> tuple[Field, ...]:
    taken = {field.name for field in CORE_FIELDS}
    named = tuple(
        Field(column.name, _TYPE_BY_KIND.get(column.kind, _A))
        for column in columns
        if column.name not in taken
    )
    others = (
        Field("attributes.llm.provider", _S),
        Field("attributes.llm.system", _S),
        Field("attributes.llm.cost.prompt", _N, "US dollars"),
        Field("attributes.llm.cost.completion", _N, "US dollars"),
        Field("attributes.llm.cost.total", _N, "US dollars"),
        Field("attributes.error.type", _S),
        Field("attributes.error.message", _S),
    )
    return (*named, *others)


ATTRIBUTE_FIELDS: Final = _attribute_fields(UPLOAD_COLUMNS)
"""Attributes whose type the service documents; every other attribute takes anything."""

_TYPE_BY_NAME: Final = {field.name: field.type for field in (*CORE_FIELDS, *ATTRIBUTE_FIELDS)}

UNPREFIXED_NAMES: Final = (
    *(field.name for field in CORE_FIELDS if "." not in field.name),
    UPLOAD_SPAN_KIND,
    "trace_id",
    "span_id",
)
"""What may stand alone or after `span.`."""

ALIASES: Final = {UPLOAD_SPAN_KIND: SPAN_KIND, "trace_id": TRACE_ID, "span_id": SPAN_ID}

NAMESPACES: Final = (
    "attributes.",
    "eval.",
    "trace_eval.",
    "session_eval.",
    "annotation.",
    "tag.",
    "context.",
    "event.",
)

EVALUATION_SUFFIXES: Final = {"label": _S, "score": _N, "explanation": _S}
ANNOTATION_SUFFIXES: Final = {
    "label": _S,
    "score": _N,
    "text": _S,
    "updated_by": _S,
    "updated_at": _T,
}

_EVALUATION: Final = re.compile(r"(?:eval|trace_eval|session_eval)\.(.+)\.([^.]*)", re.DOTALL)
_ANNOTATION: Final = re.compile(r"annotation\.(.+)\.([^.]*)", re.DOTALL)


def canonical_name(name: str) -> str:
    """Return the one name of a field that has several."""
    if name.startswith("span.") and name.removeprefix("span.") in UNPREFIXED_NAMES:
        name = name.removeprefix("span.")
    if name.startswith("evals."):
        name = f"eval.{name.removeprefix('evals.')}"
    return ALIASES.get(name, name)


def field_type(name: str) -> FieldType | None:
    """Return what the field of a canonical name takes; None when there can be none of that name."""
    fixed = _TYPE_BY_NAME.get(name)
    if fixed is not None:
        return fixed
    if name == ANNOTATION_NOTES:
        return _S
    for pattern, suffixes in (
        (_EVALUATION, EVALUATION_SUFFIXES),
        (_ANNOTATION, ANNOTATION_SUFFIXES),
    ):
        match = pattern.fullmatch(name)
        if match is not None:
            return suffixes.get(match[2])
    if name.startswith(("attributes.", "tag.")) and not name.endswith("."):
        return _A
    return None


UPPER_CASE_VALUES: Final = {
    SPAN_KIND: frozenset(
        {
            "LLM",
            "CHAIN",
            "TOOL",
            "AGENT",
            "RETRIEVER",
            "RERANKER",
            "EMBEDDING",
            "GUARDRAIL",
            "EVALUATOR",
            "PROMPT",
            "UNKNOWN",
        }
    ),
    STATUS_CODE: frozenset({"OK", "ERROR", "UNSET"}),
}
"""Fields whose values are always upper case; text is compared with its case."""
