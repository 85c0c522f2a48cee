"""Flight commands: what an export asks for and what a write-back announces."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from spanduck._wire import codec
from spanduck._wire.descriptors import enum_name, enum_number, message_class
from spanduck._wire.errors import WireError

_EXPORT: Final = "export command"
_WRITE: Final = "write command"
_LAST_SECOND: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_RecordQueryDescriptor: Final = message_class("RecordQueryDescriptor")
_DoPutRequest: Final = message_class("DoPutRequest")


@dataclass(frozen=True)
class ExportCommand:
    """What an export asks for: the command of a Flight descriptor.

    Attributes:
        space: Id or name of the space, as given.
        project: Name or id of the project, as given.
        environment: `TRACING` for spans; `UNKNOWN` when a descriptor named none, or one unknown to
            us.
        start_time: Inclusive, aware. On the wire in whole UTC seconds, rounded down.
        end_time: Exclusive, aware. On the wire in whole UTC seconds, rounded up, so that the
            encoded window holds the one asked for.
        filter_expression: Text of the filter language; empty for none.
        projected_columns: Exact wire names; empty for all.
        stream_chunk_size: Rows a batch, None for the service's choice.
        sample_rate: Share of the traces, None for all. Finite; its range is for the service to
            judge.
        similarity_search: Whether the descriptor asked for a search by similarity. What it asked is
            not kept.
    """

    space: str
    project: str
    environment: str = "TRACING"
    start_time: datetime | None = None
    end_time: datetime | None = None
    filter_expression: str = ""
    projected_columns: tuple[str, ...] = ()
    stream_chunk_size: int | None = None
    sample_rate: float | None = None
    similarity_search: bool = False

    def to_json(self) -> bytes:
        """Encode as proto3 JSON in UTF-8, as the vendor's SDK writes it.

        Raises:
            WireError: A time without a zone, an unknown environment, or a number the protocol
                cannot carry.
        """
        message = _RecordQueryDescriptor()
        codec.set_text(message, "space_id", self.space, what=_EXPORT)
        codec.set_text(message, "model_id", self.project, what=_EXPORT)
        codec.set_text(message, "filter_expression", self.filter_expression, what=_EXPORT)
        message.environment = self._environment_number()
        if self.start_time is not None:
            start = _aware_utc("start_time", self.start_time)
            message.start_time.FromDatetime(start.replace(microsecond=0))
        if self.end_time is not None:
            end = _aware_utc("end_time", self.end_time)
            message.end_time.FromDatetime(_next_whole_second(end))
        try:
            message.projected_columns.extend(self.projected_columns)
        except ValueError as exc:
            raise WireError(
                "a projected column's name is no valid Unicode text", what="projected_columns"
            ) from exc
        if self.stream_chunk_size is not None:
            try:
                message.stream_chunk_size.value = self.stream_chunk_size
            except (ValueError, TypeError) as exc:
                raise WireError(
                    f"stream_chunk_size is {self.stream_chunk_size!r}, not an integer of 64 bits",
                    what="stream_chunk_size",
                ) from exc
        if self.sample_rate is not None:
            message.sample_rate.value = _finite(self.sample_rate)
        if self.similarity_search:
            message.similarity_search_params.SetInParent()
        return codec.to_json(message)

    @classmethod
    def from_json(cls, data: bytes) -> ExportCommand:
        """Decode a descriptor's command, tolerantly: see `codec.from_json`.

        Times keep their microseconds when a client sent fractions; digits beyond are cut.

        Raises:
            WireError: Not such a command.
        """
        message = codec.from_json(data, _RecordQueryDescriptor(), what=_EXPORT)
        has = message.HasField
        return cls(
            space=message.space_id,
            project=message.model_id,
            environment=enum_name("QueryEnvironment", message.environment),
            start_time=_datetime(message.start_time) if has("start_time") else None,
            end_time=_datetime(message.end_time) if has("end_time") else None,
            filter_expression=message.filter_expression,
            projected_columns=tuple(message.projected_columns),
            stream_chunk_size=message.stream_chunk_size.value if has("stream_chunk_size") else None,
            sample_rate=_finite(message.sample_rate.value) if has("sample_rate") else None,
            similarity_search=has("similarity_search_params"),
        )

    def _environment_number(self) -> int:
        number = enum_number("QueryEnvironment", self.environment)
        if number is None:
            raise WireError(
                f"there is no environment {self.environment!r}",
                next_step="Spans are in 'TRACING'.",
                what="environment",
            )
        return number


class WriteKind(StrEnum):
    """What a write-back writes."""

    EVALUATIONS = "evaluations"
    ANNOTATIONS = "annotations"
    METADATA = "metadata"


_REQUEST_FIELD_BY_KIND: Final = {
    WriteKind.EVALUATIONS: "write_span_evaluation_request",
    WriteKind.ANNOTATIONS: "write_span_annotation_request",
    WriteKind.METADATA: "write_span_attributes_metadata_request",
}
_KIND_BY_REQUEST_FIELD: Final = {field: kind for kind, field in _REQUEST_FIELD_BY_KIND.items()}


@dataclass(frozen=True)
class WriteCommand:
    """What a write-back announces before its rows: the command of a DoPut descriptor.

    Attributes:
        kind: What the rows hold.
        space: Id or name of the space, as given.
        project: Name of the project, as given.
        row_id_column: The column with the span ids; empty means `context.span_id`. Metadata has no
            such field.
    """

    kind: WriteKind
    space: str
    project: str
    row_id_column: str = ""

    def to_json(self) -> bytes:
        """Encode as proto3 JSON in UTF-8, as the vendor's SDK writes it.

        Raises:
            WireError: Metadata with a row id column, or a text that is no valid Unicode.
        """
        if self.row_id_column and self.kind is WriteKind.METADATA:
            raise WireError(
                f"a metadata command cannot name a row id column, not {self.row_id_column!r}",
                next_step="Call the column context.span_id.",
                what="row_id_column",
            )
        message = _DoPutRequest()
        request = getattr(message, _REQUEST_FIELD_BY_KIND[self.kind])
        request.SetInParent()
        codec.set_text(request, "external_model_id", self.project, what=_WRITE)
        codec.set_text(request, "space_id", self.space, what=_WRITE)
        if self.row_id_column:
            codec.set_text(request, "row_id_column_name", self.row_id_column, what=_WRITE)
        return codec.to_json(message)

    @classmethod
    def from_json(cls, data: bytes) -> WriteCommand:
        """Decode a DoPut descriptor's command, tolerantly: see `codec.from_json`.

        Raises:
            WireError: Not such a command, or one that writes something else than spans' fields.
        """
        message = codec.from_json(data, _DoPutRequest(), what=_WRITE)
        field = message.WhichOneof("choice")
        if field not in _KIND_BY_REQUEST_FIELD:
            raise WireError(
                f"the {_WRITE} holds {field or 'no request'}",
                next_step=f"Known are {', '.join(_KIND_BY_REQUEST_FIELD)}.",
                what=_WRITE,
            )
        request = getattr(message, field)
        return cls(
            kind=_KIND_BY_REQUEST_FIELD[field],
            space=request.space_id,
            project=request.external_model_id,
            row_id_column=getattr(request, "row_id_column_name", ""),
        )


def _aware_utc(field: str, value: datetime) -> datetime:
    if value.utcoffset() is None:
        raise WireError(
            f"{field} {value.isoformat()} has no time zone",
            next_step="Give an aware datetime, such as datetime(..., tzinfo=UTC).",
            what=field,
        )
    try:
        return value.astimezone(UTC)
    except OverflowError as exc:
        message = f"{field} {value.isoformat()} lies outside the years 1 to 9999 in UTC"
        raise WireError(message, what=field) from exc


def _next_whole_second(value: datetime) -> datetime:
    floor = value.replace(microsecond=0)
    if floor in (value, _LAST_SECOND):
        return floor
    return floor + timedelta(seconds=1)


# `Any`: a protobuf Timestamp of our own pool, whose class is made at run time.
def _datetime(timestamp: Any) -> datetime:
    moment: datetime = timestamp.ToDatetime(tzinfo=UTC)
    return moment


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise WireError(f"sample_rate is {value!r}, not a finite number", what="sample_rate")
    return value
