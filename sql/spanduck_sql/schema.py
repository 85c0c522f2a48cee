"""The columns of a span: names, kinds, units, limits, and the SQL type each one has.

The single place that names a span column. Sources of the facts: the vendor SDK's own column table
and validation constants (release 8.61.0) for uploads, the vendor's public guides for exports.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SPAN_ID: Final = "context.span_id"
TRACE_ID: Final = "context.trace_id"
PARENT_ID: Final = "parent_id"
NAME: Final = "name"
START_TIME: Final = "start_time"
END_TIME: Final = "end_time"
LATENCY_MS: Final = "latency_ms"
STATUS_CODE: Final = "status_code"
STATUS_MESSAGE: Final = "status_message"
SPAN_KIND: Final = "attributes.openinference.span.kind"
EVENT_ATTRIBUTES: Final = "event.attributes"
EVENTS: Final = "events"
METADATA: Final = "attributes.metadata"

WIRE_TIME: Final = "time"
"""A column of every export that the vendor's SDK sorts by; not a column of `spans(...)`."""

UPLOAD_SPAN_KIND: Final = "span_kind"
"""What the vendor's frames call the span kind; sent as `SPAN_KIND` when that column is absent."""

ATTRIBUTE_PREFIX: Final = "attributes."
TOKEN_COUNT_PREFIX: Final = "attributes.llm.token_count."  # noqa: S105 - not that kind of token

MAX_PAST_DAYS: Final = 5 * 365
MAX_FUTURE_DAYS: Final = 365
"""Spans that start earlier or later are refused on upload (the vendor SDK's own limits)."""


class ColumnKind(StrEnum):
    """What a known upload column holds, in the vendor's words."""

    STRING = "STRING"
    TIMESTAMP = "TIMESTAMP"
    NUMERIC = "NUMERIC"
    BOOL = "BOOL"
    DICT = "DICT"
    """A dictionary; travels as one JSON text."""
    JSON = "JSON"
    """JSON text already."""
    LIST_DICT = "LIST_DICT"
    """A list of dictionaries; travels as `list<string>`, one JSON text an element."""


@dataclass(frozen=True)
class UploadColumn:
    """A column the upload endpoint knows by name.

    Attributes:
        name: The column's name on the wire.
        kind: What it holds.
        max_length: Longest text accepted, in code points; None where the vendor states no limit.
        min_length: Shortest text accepted.
        is_required: Whether a span cannot be uploaded without a value here.
    """

    name: str
    kind: ColumnKind
    max_length: int | None = None
    min_length: int = 0
    is_required: bool = False


_LONG_TEXT = 4_000_000
_S = ColumnKind.STRING

UPLOAD_COLUMNS: Final[tuple[UploadColumn, ...]] = (
    UploadColumn(TRACE_ID, _S, 128, 12, is_required=True),
    UploadColumn(SPAN_ID, _S, 128, 12, is_required=True),
    UploadColumn(PARENT_ID, _S, 128),
    UploadColumn(NAME, _S, 50, is_required=True),
    UploadColumn(START_TIME, ColumnKind.TIMESTAMP, is_required=True),
    UploadColumn(END_TIME, ColumnKind.TIMESTAMP, is_required=True),
    UploadColumn(STATUS_CODE, _S),
    UploadColumn(STATUS_MESSAGE, _S, 10_000),
    UploadColumn(SPAN_KIND, _S, 128),
    UploadColumn(EVENTS, ColumnKind.LIST_DICT),
    UploadColumn("attributes.exception.type", _S),
    UploadColumn("attributes.exception.message", _S, 100),
    UploadColumn("attributes.exception.stacktrace", _S, 10_000),
    UploadColumn("attributes.exception.escaped", ColumnKind.BOOL),
    UploadColumn("attributes.input.value", _S, _LONG_TEXT),
    UploadColumn("attributes.input.mime_type", _S, 100),
    UploadColumn("attributes.output.value", _S, _LONG_TEXT),
    UploadColumn("attributes.output.mime_type", _S, 100),
    UploadColumn("attributes.embedding.embeddings", ColumnKind.LIST_DICT),
    UploadColumn("attributes.embedding.model_name", _S, 100),
    UploadColumn("attributes.llm.model_name", _S, 100),
    UploadColumn("attributes.llm.input_messages", ColumnKind.LIST_DICT),
    UploadColumn("attributes.llm.output_messages", ColumnKind.LIST_DICT),
    UploadColumn("attributes.llm.invocation_parameters", ColumnKind.JSON, _LONG_TEXT),
    UploadColumn("attributes.llm.prompt_template.template", _S, _LONG_TEXT),
    UploadColumn("attributes.llm.prompt_template.version", _S, 100),
    UploadColumn("attributes.llm.prompt_template.variables", ColumnKind.DICT),
    UploadColumn("attributes.llm.token_count.prompt", ColumnKind.NUMERIC),
    UploadColumn("attributes.llm.token_count.completion", ColumnKind.NUMERIC),
    UploadColumn("attributes.llm.token_count.total", ColumnKind.NUMERIC),
    UploadColumn("attributes.llm.tools", ColumnKind.LIST_DICT),
    UploadColumn("attributes.tool.name", _S, 100),
    UploadColumn("attributes.tool.description", _S, 1_000),
    UploadColumn("attributes.tool.parameters", ColumnKind.JSON, 1_000),
    UploadColumn("attributes.retrieval.documents", ColumnKind.LIST_DICT),
    UploadColumn("attributes.reranker.input_documents", ColumnKind.LIST_DICT),
    UploadColumn("attributes.reranker.output_documents", ColumnKind.LIST_DICT),
    UploadColumn("attributes.reranker.query", _S, 10_000),
    UploadColumn("attributes.reranker.model_name", _S, 100),
    UploadColumn("attributes.reranker.top_k", ColumnKind.NUMERIC),
    UploadColumn("attributes.session.id", _S, 128),
    UploadColumn("attributes.user.id", _S, 128),
    UploadColumn(METADATA, ColumnKind.DICT),
)

UPLOAD_COLUMN_BY_NAME: Final = {column.name: column for column in UPLOAD_COLUMNS}

LIST_DICT_COLUMNS: Final = frozenset(
    column.name for column in UPLOAD_COLUMNS if column.kind is ColumnKind.LIST_DICT
)
JSON_COLUMNS: Final = frozenset(
    column.name for column in UPLOAD_COLUMNS if column.kind in (ColumnKind.DICT, ColumnKind.JSON)
)

JSON_TYPE: Final = pa.json_(pa.string())
_TIMESTAMP_US: Final = pa.timestamp("us", tz="UTC")

CORE_TYPES: Final[dict[str, pa.DataType]] = {
    SPAN_ID: pa.string(),
    TRACE_ID: pa.string(),
    PARENT_ID: pa.string(),
    NAME: pa.string(),
    START_TIME: _TIMESTAMP_US,
    END_TIME: _TIMESTAMP_US,
    LATENCY_MS: pa.float64(),
    STATUS_CODE: pa.string(),
    STATUS_MESSAGE: pa.string(),
    SPAN_KIND: pa.string(),
    EVENT_ATTRIBUTES: pa.string(),
    EVENTS: pa.list_(JSON_TYPE),
}
"""The columns every project has in SQL, in the order of `SELECT *`, with their SQL types."""

# The vendor's clients send a column of evaluations only if its name matches this; others are
# dropped by them silently, and refused by ours by name.
_SENT_EVALUATION = re.compile(
    r"^(?P<level>eval|trace_eval|session_eval)\.(?P<name>[a-zA-Z0-9_\s]+?)"
    r"\.(?P<field>label|score|explanation)$"
)
# What a store must accept: a name is whatever stands between the prefix and the last word.
_ANY_EVALUATION = re.compile(
    r"^(?P<level>eval|trace_eval|session_eval)\.(?P<name>.+)\.(?P<field>label|score|explanation)$",
    re.DOTALL,
)
LEVEL_BY_PREFIX: Final = {"eval": "span", "trace_eval": "trace", "session_eval": "session"}
PREFIX_BY_LEVEL: Final = {level: prefix for prefix, level in LEVEL_BY_PREFIX.items()}
EVALUATION_FIELDS: Final = ("label", "score", "explanation")


@dataclass(frozen=True)
class EvaluationColumn:
    """One field of one evaluation, as a column.

    Attributes:
        level: `span`, `trace` or `session`.
        name: The evaluation's name.
        field: `label`, `score` or `explanation`.
    """

    level: str
    name: str
    field: str

    @property
    def column(self) -> str:
        """The column's name on the wire."""
        return f"{PREFIX_BY_LEVEL[self.level]}.{self.name}.{self.field}"


def parse_evaluation_column(column: str, *, sendable: bool = False) -> EvaluationColumn | None:
    """Read an evaluation column's name; None when it is none.

    Args:
        column: The column's name.
        sendable: Accept only names the vendor's clients send (letters, digits, `_`, white space).
    """
    match = (_SENT_EVALUATION if sendable else _ANY_EVALUATION).match(column)
    if match is None:
        return None
    return EvaluationColumn(LEVEL_BY_PREFIX[match["level"]], match["name"], match["field"])


ANNOTATION_NOTES: Final = "annotation.notes"
ANNOTATION_FIELDS: Final = ("label", "score", "text", "updated_by", "updated_at")
ANNOTATION_VALUES: Final = ("label", "score", "text")
"""The fields that say something; the others tell who said it, and when."""

# As with evaluations: what the vendor's clients send, and what a store must accept.
_SENT_ANNOTATION = re.compile(
    r"^annotation\.(?P<name>[a-zA-Z0-9_\s]+?)"
    r"\.(?P<field>label|score|text|updated_by|updated_at)$"
)
_ANY_ANNOTATION = re.compile(
    r"^annotation\.(?P<name>.+)\.(?P<field>label|score|text|updated_by|updated_at)$", re.DOTALL
)


@dataclass(frozen=True)
class AnnotationColumn:
    """One field of one annotation, as a column.

    Attributes:
        name: The annotation's name.
        field: `label`, `score`, `text`, `updated_by` or `updated_at`.
    """

    name: str
    field: str

    @property
    def column(self) -> str:
        """The column's name on the wire."""
        return f"annotation.{self.name}.{self.field}"


def parse_annotation_column(column: str, *, sendable: bool = False) -> AnnotationColumn | None:
    """Read an annotation column's name; None when it is none, as `ANNOTATION_NOTES` is none.

    Args:
        column: The column's name.
        sendable: Accept only names the vendor's clients send (letters, digits, `_`, white space).
    """
    match = (_SENT_ANNOTATION if sendable else _ANY_ANNOTATION).match(column)
    return None if match is None else AnnotationColumn(match["name"], match["field"])


def sql_type(column: str, wire_type: pa.DataType) -> pa.DataType:
    """Return the Arrow type that `column` has in SQL when the wire brings it as `wire_type`.

    Known columns have one type whatever the wire says. Others keep what they were sent as, within
    what DuckDB scans with pushdown: views become plain text, nested values other than lists of text
    become JSON.
    """
    if column in CORE_TYPES:
        return CORE_TYPES[column]
    if column in LIST_DICT_COLUMNS:
        return pa.list_(JSON_TYPE)
    if column in JSON_COLUMNS:
        return JSON_TYPE
    if column.startswith(TOKEN_COUNT_PREFIX):
        return pa.int64()
    if column.endswith(".score") and parse_evaluation_column(column) is not None:
        return pa.float64()
    if column.startswith("annotation."):
        return _annotation_type(column)
    known = UPLOAD_COLUMN_BY_NAME.get(column)
    if known is not None and known.kind is ColumnKind.STRING:
        return pa.string()
    if known is not None and known.kind is ColumnKind.BOOL:
        return pa.bool_()
    return _open_type(wire_type)


def _annotation_type(column: str) -> pa.DataType:
    if column.endswith(".score"):
        return pa.float64()
    if column.endswith(".updated_at"):
        return _TIMESTAMP_US
    if column == ANNOTATION_NOTES:
        return pa.list_(JSON_TYPE)
    return pa.string()


def _open_type(wire: pa.DataType) -> pa.DataType:
    types = pa.types
    if types.is_dictionary(wire):
        return _open_type(wire.value_type)
    if types.is_boolean(wire):
        return pa.bool_()
    if types.is_unsigned_integer(wire) and wire.bit_width == 64:
        return pa.uint64()
    if types.is_integer(wire):
        return pa.int64()
    if types.is_floating(wire):
        return pa.float64()
    if types.is_decimal(wire):
        return wire
    if types.is_timestamp(wire):
        return pa.timestamp("us", tz="UTC" if wire.tz is not None else None)
    if types.is_date(wire):
        return pa.date32()
    if types.is_binary(wire) or types.is_large_binary(wire):
        return pa.binary()
    if types.is_list(wire) or types.is_large_list(wire):
        value = wire.value_type
        if types.is_string(value) or types.is_large_string(value) or types.is_string_view(value):
            return pa.list_(pa.string())
        return JSON_TYPE
    if types.is_nested(wire):
        return JSON_TYPE
    return pa.string()


_GROUP_ORDER = ("attributes.", "eval.", "trace_eval.", "session_eval.", "annotation.")


def order_columns(columns: Iterable[str]) -> list[str]:
    """Return `columns` in the order of `SELECT *`: core, each group sorted by name, others."""
    core_position = {name: index for index, name in enumerate(CORE_TYPES)}

    def key(column: str) -> tuple[int, int, str]:
        if column in core_position:
            return (0, core_position[column], column)
        for index, prefix in enumerate(_GROUP_ORDER):
            if column.startswith(prefix):
                return (1, index, column)
        return (2, 0, column)

    return sorted(columns, key=key)


def sql_names(wire_names: Sequence[str]) -> dict[str, str]:
    """Return the SQL name of each wire name, in the same order.

    SQL names are compared without case, wire names with it: of names that differ only by case the
    first keeps its name, later ones get `~2`, `~3`. Left alone, DuckDB would silently read the
    wrong column.
    """
    taken: set[str] = set()
    names: dict[str, str] = {}
    for wire in wire_names:
        candidate, number = wire, 1
        while candidate.lower() in taken:
            number += 1
            candidate = f"{wire}~{number}"
        taken.add(candidate.lower())
        names[wire] = candidate
    return names
