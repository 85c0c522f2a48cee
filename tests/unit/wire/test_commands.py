from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from spanduck._wire import ExportCommand, WireError, WriteCommand, WriteKind

FULL = ExportCommand(
    space="SPACE",
    project="my-llm-app",
    start_time=datetime(2026, 11, 1, tzinfo=UTC),
    end_time=datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC),
    filter_expression="status_code = 'ERROR'",
    projected_columns=("context.span_id", "name"),
    stream_chunk_size=100,
    sample_rate=0.5,
)
# What the vendor's SDK was seen to send.
FULL_TEXT = """{
  "spaceId": "SPACE",
  "modelId": "my-llm-app",
  "environment": "TRACING",
  "startTime": "2026-11-01T00:00:00Z",
  "endTime": "2026-11-20T01:02:03Z",
  "filterExpression": "status_code = 'ERROR'",
  "projectedColumns": [
    "context.span_id",
    "name"
  ],
  "streamChunkSize": "100",
  "sampleRate": 0.5
}"""
MINIMAL = ExportCommand(
    space="SPACE",
    project="my-llm-app",
    start_time=datetime(2026, 11, 21, 17, 24, 36, tzinfo=UTC),
    end_time=datetime(2026, 11, 22, 17, 24, 36, tzinfo=UTC),
)
MINIMAL_TEXT = """{
  "spaceId": "SPACE",
  "modelId": "my-llm-app",
  "environment": "TRACING",
  "startTime": "2026-11-21T17:24:36Z",
  "endTime": "2026-11-22T17:24:36Z"
}"""


@pytest.mark.parametrize(
    ("command", "text"), [(FULL, FULL_TEXT), (MINIMAL, MINIMAL_TEXT)], ids=["full", "minimal"]
)
def test_an_export_command_is_the_captured_text(command: ExportCommand, text: str) -> None:
    assert command.to_json().decode() == text
    assert ExportCommand.from_json(text.encode()) == command


def test_snake_case_names_and_numbers_for_int64_are_accepted() -> None:
    text = json.dumps(
        {
            "space_id": "SPACE",
            "model_id": "my-llm-app",
            "environment": 4,
            "start_time": "2026-11-01T01:00:00+01:00",
            "end_time": "2026-11-20T01:02:03Z",
            "filter_expression": "status_code = 'ERROR'",
            "projected_columns": ["context.span_id", "name"],
            "stream_chunk_size": 100,
            "sample_rate": "0.5",
            "parallelize_exports": True,
            "batchId": None,
            "somethingNew": {"deep": [1, 2]},
        }
    )
    assert ExportCommand.from_json(text.encode()) == FULL


def test_an_unknown_or_absent_environment_is_read_as_unknown() -> None:
    for text in (b"{}", b'{"environment": "MOON"}', b'{"environment": 77}'):
        assert ExportCommand.from_json(text).environment == "UNKNOWN"


def test_fractions_of_a_second_widen_the_window_to_whole_seconds() -> None:
    zone = timezone(timedelta(hours=5, minutes=30))
    command = ExportCommand(
        space="s",
        project="p",
        start_time=datetime(2026, 1, 1, 5, 30, 0, 999_999, tzinfo=zone),
        end_time=datetime(2026, 1, 1, 5, 30, 1, 1, tzinfo=zone),
    )
    sent = ExportCommand.from_json(command.to_json())
    assert sent.start_time == datetime(2026, 1, 1, 0, 0, 0, tzinfo=UTC)
    assert sent.end_time == datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC)


def test_the_last_representable_moment_can_be_sent() -> None:
    end = datetime.max.replace(tzinfo=UTC)
    sent = ExportCommand.from_json(ExportCommand(space="s", project="p", end_time=end).to_json())
    assert sent.end_time == end.replace(microsecond=0)


def test_a_client_may_send_fractions_of_a_second() -> None:
    command = ExportCommand.from_json(b'{"startTime": "2026-11-01T00:00:00.123456789Z"}')
    assert command.start_time == datetime(2026, 11, 1, 0, 0, 0, 123_456, tzinfo=UTC)


def test_zero_is_something_else_than_absent_for_chunk_size_and_sample_rate() -> None:
    command = ExportCommand.from_json(b'{"streamChunkSize": "0", "sampleRate": 0}')
    assert (command.stream_chunk_size, command.sample_rate) == (0, 0.0)
    assert json.loads(command.to_json()) == {"streamChunkSize": "0", "sampleRate": 0.0}


def test_a_similarity_search_is_noticed() -> None:
    text = b"""{"similaritySearchParams": {"searchColumnName": "attributes.embedding", "threshold": 0.3,
        "references": [{"predictionId": "x", "vector": [0.5, 1]}]}}"""
    assert ExportCommand.from_json(text).similarity_search
    assert not ExportCommand.from_json(b"{}").similarity_search


@pytest.mark.parametrize(
    ("field", "command"),
    [
        ("start_time", ExportCommand("s", "p", start_time=datetime(2026, 1, 1))),  # noqa: DTZ001
        ("end_time", ExportCommand("s", "p", end_time=datetime(2026, 1, 1))),  # noqa: DTZ001
        (
            "start_time",
            ExportCommand(
                "s", "p", start_time=datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))
            ),
        ),
        ("environment", ExportCommand("s", "p", environment="MOON")),
        ("stream_chunk_size", ExportCommand("s", "p", stream_chunk_size=2**63)),
        ("sample_rate", ExportCommand("s", "p", sample_rate=float("nan"))),
        ("space_id", ExportCommand("\ud800", "p")),
        ("projected_columns", ExportCommand("s", "p", projected_columns=("\ud800",))),
    ],
)
def test_what_the_protocol_cannot_carry_is_refused_by_field(
    field: str, command: ExportCommand
) -> None:
    with pytest.raises(WireError) as caught:
        command.to_json()
    assert caught.value.what == field


GARBAGE = [
    b"",
    b"\xff\xfe",
    b"not json",
    b"[]",
    b"null",
    b"5",
    b'{"spaceId": 5}',
    b'{"spaceId": "\\ud800"}',
    b'{"projectedColumns": "name"}',
    b'{"projectedColumns": [null]}',
    b'{"startTime": "yesterday"}',
    b'{"startTime": 5}',
    b'{"streamChunkSize": "many"}',
    b'{"streamChunkSize": 1.5}',
    b'{"streamChunkSize": "9223372036854775808"}',
    b'{"sampleRate": "NaN"}',
    b'{"sampleRate": NaN}',
    b"[" * 100_000,
    b'{"similaritySearchParams": ' * 2_000 + b"1" + b"}" * 2_000,
]


@pytest.mark.parametrize(
    "data", GARBAGE, ids=[data[:32].decode("latin-1") or "empty" for data in GARBAGE]
)
def test_garbage_is_a_wire_error(data: bytes) -> None:
    with pytest.raises(WireError) as caught:
        ExportCommand.from_json(data)
    assert "export command" in caught.value.message or "sample_rate" in caught.value.message
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (
            WriteKind.EVALUATIONS,
            '{"writeSpanEvaluationRequest": {"externalModelId": "my-llm-app", "spaceId": "SPACE"}}',
        ),
        (
            WriteKind.ANNOTATIONS,
            '{"writeSpanAnnotationRequest": {"externalModelId": "my-llm-app", "spaceId": "SPACE"}}',
        ),
        (
            WriteKind.METADATA,
            '{"writeSpanAttributesMetadataRequest": {"spaceId": "SPACE", "externalModelId": "my-llm-app"}}',
        ),
    ],
)
def test_a_write_command_is_the_captured_text(kind: WriteKind, text: str) -> None:
    command = WriteCommand(kind, space="SPACE", project="my-llm-app")
    assert command.to_json().decode() == json.dumps(json.loads(text), indent=2)
    assert WriteCommand.from_json(text.encode()) == command


def test_a_write_command_may_name_its_row_id_column() -> None:
    text = b'{"write_span_evaluation_request": {"row_id_column_name": "id", "model_version": "1"}}'
    assert WriteCommand.from_json(text) == WriteCommand(WriteKind.EVALUATIONS, "", "", "id")


def test_metadata_has_no_row_id_column() -> None:
    with pytest.raises(WireError, match="row id column"):
        WriteCommand(WriteKind.METADATA, "s", "p", row_id_column="id").to_json()


def test_a_request_without_fields_is_still_that_request() -> None:
    command = WriteCommand(WriteKind.ANNOTATIONS, space="", project="")
    assert WriteCommand.from_json(command.to_json()) == command


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{}", "no request"),
        (b'{"createDataset": {"spaceId": "s"}}', "create_dataset"),
        (b'{"postExperimentData": {}}', "post_experiment_data"),
        (b'{"somethingNew": {}}', "no request"),
        (b'{"writeSpanEvaluationRequest": 5}', "malformed"),
        (b'{"writeSpanEvaluationRequest": {}, "writeSpanAnnotationRequest": {}}', "malformed"),
    ],
)
def test_another_request_is_a_wire_error_that_says_what_it_is(text: bytes, said: str) -> None:
    with pytest.raises(WireError, match=said):
        WriteCommand.from_json(text)
