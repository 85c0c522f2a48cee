from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from spanduck._wire import (
    ExportCommand,
    MetadataResult,
    Pagination,
    ProblemDocument,
    Project,
    ProjectsPage,
    Space,
    SpacesPage,
    Trailer,
    UpdateResult,
    WireError,
    WriteCommand,
    WriteKind,
    is_id,
    make_id,
    read_upload_schema,
    upload_schema_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# Everything but lone surrogates, which no UTF-8 holds.
texts = st.text(st.characters(codec="utf-8"))
int64s = st.integers(-(2**63), 2**63 - 1)
moments = st.datetimes(timezones=st.just(UTC))
# The last day is left out: shifted by its offset it would leave the calendar.
zoned_moments = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.integers(-840, 840).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
export_commands = st.builds(
    ExportCommand,
    space=texts,
    project=texts,
    environment=st.sampled_from(["UNKNOWN", "TRAINING", "VALIDATION", "PRODUCTION", "TRACING"]),
    start_time=st.none() | moments.map(lambda moment: moment.replace(microsecond=0)),
    end_time=st.none() | moments.map(lambda moment: moment.replace(microsecond=0)),
    filter_expression=texts,
    projected_columns=st.lists(texts).map(tuple),
    stream_chunk_size=st.none() | int64s,
    sample_rate=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    similarity_search=st.booleans(),
)
write_commands = st.builds(
    WriteCommand,
    kind=st.sampled_from([WriteKind.EVALUATIONS, WriteKind.ANNOTATIONS]),
    space=texts,
    project=texts,
    row_id_column=texts,
) | st.builds(WriteCommand, kind=st.just(WriteKind.METADATA), space=texts, project=texts)
json_values = st.recursive(
    st.none() | st.booleans() | int64s | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=10,
)


@given(export_commands)
@example(ExportCommand("", "", sample_rate=5e-324, stream_chunk_size=2**63 - 1))
@example(ExportCommand("\0", "\U0010ffff", filter_expression='"\\\u2028'))
def test_export_commands_round_trip(command: ExportCommand) -> None:
    assert ExportCommand.from_json(command.to_json()) == command


@given(export_commands)
def test_an_export_command_reads_the_same_in_snake_case_and_any_layout(
    command: ExportCommand,
) -> None:
    document = json.loads(command.to_json())
    snake = {
        "".join(f"_{char.lower()}" if char.isupper() else char for char in name): value
        for name, value in document.items()
    }
    if "stream_chunk_size" in snake:
        snake["stream_chunk_size"] = int(snake["stream_chunk_size"])
    assert ExportCommand.from_json(json.dumps(snake).encode()) == command
    compact = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    assert ExportCommand.from_json(compact.encode()) == command


@given(zoned_moments, zoned_moments)
def test_the_encoded_window_holds_the_one_asked_for_by_less_than_a_second_more(
    start: datetime, end: datetime
) -> None:
    sent = ExportCommand.from_json(
        ExportCommand("s", "p", start_time=start, end_time=end).to_json()
    )
    assert sent.start_time is not None
    assert sent.end_time is not None
    assert timedelta(0) <= start - sent.start_time < timedelta(seconds=1)
    assert timedelta(0) <= sent.end_time - end < timedelta(seconds=1)


@given(write_commands)
def test_write_commands_round_trip(command: WriteCommand) -> None:
    assert WriteCommand.from_json(command.to_json()) == command


@given(st.builds(UpdateResult, int64s, st.lists(texts).map(tuple)))
def test_update_results_round_trip(result: UpdateResult) -> None:
    assert UpdateResult.from_bytes(result.to_bytes()) == result


@given(
    st.builds(MetadataResult, int64s, int64s, int64s, st.lists(st.tuples(texts, texts)).map(tuple))
)
def test_metadata_results_round_trip(result: MetadataResult) -> None:
    assert MetadataResult.from_bytes(result.to_bytes()) == result


@given(texts)
def test_upload_schemas_round_trip(project: str) -> None:
    schema = read_upload_schema(upload_schema_text(project))
    assert (schema.project, schema.environment, schema.content) == (
        project,
        "TRACING",
        "arize_spans",
    )


@given(st.integers(min_value=0))
def test_trailers_round_trip(rows: int) -> None:
    assert Trailer.from_bytes(Trailer(rows).to_bytes()) == Trailer(rows)


spaces = st.builds(Space, texts, texts, texts, st.none() | moments)
projects = st.builds(Project, texts, texts, texts, st.none() | moments)
paginations = st.just(Pagination()) | texts.filter(bool).map(
    lambda cursor: Pagination(has_more=True, next_cursor=cursor)
)


@given(st.builds(SpacesPage, st.lists(spaces).map(tuple), paginations))
def test_pages_of_spaces_round_trip_through_json(page: SpacesPage) -> None:
    assert SpacesPage.from_dict(json.loads(json.dumps(page.to_dict()))) == page


@given(st.builds(ProjectsPage, st.lists(projects).map(tuple), paginations))
def test_pages_of_projects_round_trip_through_json(page: ProjectsPage) -> None:
    assert ProjectsPage.from_dict(json.loads(json.dumps(page.to_dict()))) == page


@given(
    st.builds(
        ProblemDocument,
        status=st.integers(100, 599),
        title=texts,
        detail=texts,
        type=texts,
        instance=texts,
        request_id=texts,
        extras=st.dictionaries(
            texts.filter(
                lambda name: (
                    name not in {"status", "title", "detail", "type", "instance", "request_id"}
                )
            ),
            json_values,
        ),
    )
)
def test_problem_documents_round_trip(problem: ProblemDocument) -> None:
    assert ProblemDocument.from_json(problem.to_json()) == problem


@given(
    st.sampled_from(["Space", "Model", "Project"]), st.integers(min_value=0), st.text("abcXYZ019")
)
def test_every_id_we_make_is_an_id(kind: str, number: int, suffix: str) -> None:
    assert is_id(make_id(kind, number, suffix))


def decode_or_refuse(decode: Callable[[bytes], object], data: bytes) -> None:
    with contextlib.suppress(WireError):
        decode(data)


@given(st.binary())
@example(b'{"startTime": "0000-01-01T00:00:00Z"}')
@example(b'{"projectedColumns": {"a": 1}}')
@example(b'{"environment": 99999999999}')
@example(b'{"sampleRate": 1e400}')
def test_no_bytes_make_a_decoder_fail_with_anything_but_a_wire_error(data: bytes) -> None:
    decode_or_refuse(ExportCommand.from_json, data)
    decode_or_refuse(WriteCommand.from_json, data)
    decode_or_refuse(UpdateResult.from_bytes, data)
    decode_or_refuse(MetadataResult.from_bytes, data)
    decode_or_refuse(ProblemDocument.from_json, data)
    decode_or_refuse(read_upload_schema, data)
    Trailer.from_bytes(data)


COMMAND_FIELDS = [
    "spaceId",
    "environment",
    "startTime",
    "projectedColumns",
    "streamChunkSize",
    "sampleRate",
    "similaritySearchParams",
    "includeActuals",
    "writeSpanEvaluationRequest",
]


@given(st.dictionaries(st.sampled_from(COMMAND_FIELDS), json_values))
def test_no_json_value_makes_a_command_fail_with_anything_but_a_wire_error(
    document: dict[str, object],
) -> None:
    data = json.dumps(document).encode()
    decode_or_refuse(ExportCommand.from_json, data)
    decode_or_refuse(WriteCommand.from_json, data)
