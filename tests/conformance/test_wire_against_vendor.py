"""Our messages and the vendor's generated classes, byte for byte and in one process."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from arize._generated.protocol.flight import flight_pb2
from arize.utils.proto import get_pb_schema_tracing
from google.protobuf import json_format
from google.protobuf.wrappers_pb2 import DoubleValue, Int64Value
from hypothesis import given
from hypothesis import strategies as st

from spanduck._wire import (
    ExportCommand,
    MetadataResult,
    UpdateResult,
    WriteCommand,
    WriteKind,
    upload_schema_text,
)

texts = st.text(st.characters(codec="utf-8"))
int64s = st.integers(-(2**63), 2**63 - 1)
# Years from 1970 on: the vendor's message has no other limits than ours.
moments = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)


@given(
    space=texts,
    project=texts,
    where=texts,
    columns=st.lists(texts),
    window=st.tuples(moments, moments),
    chunk=st.none() | int64s,
    rate=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
def test_export_commands_are_the_vendors(
    *,
    space: str,
    project: str,
    where: str,
    columns: list[str],
    window: tuple[datetime, datetime],
    chunk: int | None,
    rate: float | None,
) -> None:
    theirs = flight_pb2.RecordQueryDescriptor(
        space_id=space,
        model_id=project,
        environment="TRACING",
        filter_expression=where,
        projected_columns=columns,
        stream_chunk_size=None if chunk is None else Int64Value(value=chunk),
        sample_rate=None if rate is None else DoubleValue(value=rate),
    )
    theirs.start_time.FromDatetime(window[0])
    theirs.end_time.FromDatetime(window[1])
    ours = ExportCommand(
        space=space,
        project=project,
        start_time=window[0],
        end_time=window[1],
        filter_expression=where,
        projected_columns=tuple(columns),
        stream_chunk_size=chunk,
        sample_rate=rate,
    )
    text = json_format.MessageToJson(theirs)
    assert ours.to_json().decode() == text
    assert ExportCommand.from_json(text.encode()) == ours
    assert json_format.Parse(ours.to_json(), flight_pb2.RecordQueryDescriptor()) == theirs


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (WriteKind.EVALUATIONS, "write_span_evaluation_request"),
        (WriteKind.ANNOTATIONS, "write_span_annotation_request"),
        (WriteKind.METADATA, "write_span_attributes_metadata_request"),
    ],
)
@given(space=texts, project=texts)
def test_write_commands_are_the_vendors(
    kind: WriteKind, field: str, space: str, project: str
) -> None:
    theirs = flight_pb2.DoPutRequest()
    getattr(theirs, field).SetInParent()
    getattr(theirs, field).space_id = space
    getattr(theirs, field).external_model_id = project
    ours = WriteCommand(kind, space=space, project=project)
    text = json_format.MessageToJson(theirs)
    assert ours.to_json().decode() == text
    assert WriteCommand.from_json(text.encode()) == ours


@given(updated=int64s, ids=st.lists(texts))
def test_update_results_are_the_vendors(updated: int, ids: list[str]) -> None:
    ours = UpdateResult(updated, tuple(ids))
    for message in (flight_pb2.WriteSpanEvaluationResponse, flight_pb2.WriteSpanAnnotationResponse):
        theirs = message(records_updated=updated, unmatched_ids=ids)
        assert ours.to_bytes() == theirs.SerializeToString()
        assert UpdateResult.from_bytes(theirs.SerializeToString()) == ours


@given(counts=st.tuples(int64s, int64s, int64s), errors=st.lists(st.tuples(texts, texts)))
def test_metadata_results_are_the_vendors(
    counts: tuple[int, int, int], errors: list[tuple[str, str]]
) -> None:
    theirs = flight_pb2.WriteSpanAttributesMetadataResponse(
        spans_processed=counts[0],
        spans_updated=counts[1],
        spans_failed=counts[2],
        errors=[{"span_id": span_id, "error_message": reason} for span_id, reason in errors],
    )
    ours = MetadataResult(*counts, tuple(errors))
    assert ours.to_bytes() == theirs.SerializeToString()
    assert MetadataResult.from_bytes(theirs.SerializeToString()) == ours


@given(texts)
def test_upload_schemas_are_the_vendors(project: str) -> None:
    # `Any`: the vendor's message classes are made at run time.
    theirs: Any = get_pb_schema_tracing(project_name=project)
    assert upload_schema_text(project) == base64.b64encode(theirs.SerializeToString())
