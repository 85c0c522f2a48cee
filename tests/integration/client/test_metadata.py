"""`SpansClient.update_metadata`: what it takes, what it refuses, and what it answers."""

from __future__ import annotations

import json
import pickle
import time
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.flight as fl  # noqa: TID251 - a service that answers as told
import pytest

from spanduck import SpansClient
from spanduck._wire import MetadataResult
from spanduck.exceptions import OutcomeUnknownError, UnknownProjectError, ValidationError
from spanduck.types import MetadataResponse

METADATA = "attributes.metadata"


@pytest.fixture
def project(client: SpansClient, request: pytest.FixtureRequest) -> str:
    """A project of four spans."""
    name = f"{request.node.name[:60]}-{time.time_ns()}"
    start = time.time_ns() - 60 * 10**9
    client.log(
        project_name=name,
        dataframe=pa.table(
            {
                "context.span_id": [span(n) for n in range(4)],
                "context.trace_id": ["trace-000000000001"] * 4,
                "name": ["n"] * 4,
                "start_time": pa.array([start + n for n in range(4)], pa.int64()),
                "end_time": pa.array([start + n for n in range(4)], pa.int64()),
            }
        ),
    )
    return name


def span(number: int) -> str:
    return f"span-{number:012d}"


def metadata(client: SpansClient, project: str) -> list[Any]:
    table = client.export(project_name=project).read_all().sort_by("context.span_id")
    if METADATA not in table.column_names:
        return [None] * len(table)
    texts = table[METADATA].to_pylist()
    return [None if text is None else json.loads(text) for text in texts]


def test_the_answer_has_every_field_by_name_and_by_key(client: SpansClient, project: str) -> None:
    rows = pa.table({"context.span_id": [span(0), "nowhere"], f"{METADATA}.a": ["x", "y"]})
    answer = client.update_metadata(project_name=project, dataframe=rows)
    assert (answer.spans_processed, answer.spans_updated, answer.spans_failed) == (2, 1, 1)
    assert [error["span_id"] for error in answer["errors"]] == ["nowhere"]
    assert answer["spans_failed"] == answer.get("spans_failed") == 1
    assert set(answer) >= {"spans_processed", "spans_updated", "spans_failed", "errors"}
    assert pickle.loads(pickle.dumps(answer)) == answer  # noqa: S301 - our own
    with pytest.raises(KeyError):
        answer["something"]
    good = client.update_metadata(project_name=project, dataframe=rows.slice(0, 1))
    assert (good["spans_failed"], good["errors"]) == (0, [])
    assert isinstance(good, MetadataResponse)
    assert good.size_bytes > 0


@pytest.mark.parametrize("source", ["table", "reader", "relation", "stream", "frame", "views"])
def test_anything_that_holds_rows_is_taken(client: SpansClient, project: str, source: str) -> None:
    table = pa.table(
        {
            "context.span_id": [span(0), span(1)],
            f"{METADATA}.s": ["a", None],
            f"{METADATA}.n": [1, 2],
            f"{METADATA}.d": [0.5, float("nan")],
            f"{METADATA}.l": [[1, 2], None],
            f"{METADATA}.o": [{"x": 1}, None],
            "patch_document": ['{"p": true}', None],
        }
    )

    class Stream:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return table.__arrow_c_stream__(requested_schema)

    con = duckdb.connect()
    data: Any = {
        "table": table,
        "reader": table.to_reader(1),
        "relation": con.from_arrow(table),
        "stream": Stream(),
        "frame": table.to_pandas(),
        "views": table.set_column(0, "span_id", table[0].cast(pa.string_view())),
    }[source]
    answer = client.update_metadata(project=project, dataframe=data)
    assert (answer.spans_updated, answer.spans_failed) == (2, 0)
    assert metadata(client, project)[:2] == [
        {"s": "a", "n": 1, "d": 0.5, "l": "[1,2]", "o": '{"x":1}', "p": "True"},
        {"s": None, "n": 2, "d": None, "l": None, "o": None},
    ]


def test_structs_and_maps_are_patches(client: SpansClient, project: str) -> None:
    structs = pa.table({"context.span_id": [span(0)], "patch_document": [{"a": 1, "b": None}]})
    client.update_metadata(project=project, dataframe=structs)
    maps = pa.array([[("m", 1.5)], None], pa.map_(pa.string(), pa.float64()))
    ids = [span(1), span(2)]
    client.update_metadata(
        project=project, dataframe=pa.table({"context.span_id": ids, "patch_document": maps})
    )
    assert metadata(client, project)[:3] == [{"a": 1, "b": None}, {"m": 1.5}, {}]


def test_dictionaries_of_a_frame_set_only_their_own_keys(client: SpansClient, project: str) -> None:
    patches: list[Any] = [{"a": 1}, {"b": np.int64(2), "c": np.array([1, 2])}, '{"d": null}', None]
    frame = pd.DataFrame(
        {"patch_document": patches}, index=pd.Index(map(span, range(4)), name="context.span_id")
    )
    client.update_metadata(project=project, dataframe=frame)
    assert metadata(client, project) == [{"a": 1}, {"b": 2, "c": "[1,2]"}, {"d": None}, {}]


def test_missing_values_of_every_sort_are_null(client: SpansClient, project: str) -> None:
    frame = pd.DataFrame(
        {
            "context.span_id": [span(0), span(1)],
            f"{METADATA}.i": pd.array([1, None], dtype="Int64"),
            f"{METADATA}.b": pd.array([True, None], dtype="boolean"),
            f"{METADATA}.s": pd.array(["x", None], dtype="string"),
            f"{METADATA}.o": ["x", np.nan],
        }
    )
    client.update_metadata(project=project, dataframe=frame)
    assert metadata(client, project)[:2] == [
        {"i": 1, "b": "True", "s": "x", "o": "x"},
        {"i": None, "b": None, "s": None, "o": None},
    ]


IDS = {"context.span_id": [span(0), span(1)]}
DEEP: list[Any] = [[[[[[[[[1]]]]]]]]]


@pytest.mark.parametrize(
    ("columns", "column", "row", "word"),
    [
        ({f"{METADATA}.a": ["x"]}, "context.span_id", None, "missing"),
        ({"context.span_id": [span(0)]}, "patch_document", None, "no metadata"),
        ({**IDS, f"{METADATA}.": ["x", "y"]}, f"{METADATA}.", None, "no key"),
        (
            {"context.span_id": ["a", None], f"{METADATA}.a": [1, 2]},
            "context.span_id",
            1,
            "missing",
        ),
        ({"context.span_id": ["a", " "], f"{METADATA}.a": [1, 2]}, "context.span_id", 1, "blank"),
        ({"context.span_id": [1, 2], f"{METADATA}.a": [1, 2]}, "context.span_id", None, "int64"),
        ({**IDS, f"{METADATA}.a": [None, None]}, f"{METADATA}.a", None, "missing"),
        ({**IDS, "patch_document": ["{}", "{"]}, "patch_document", 1, "no JSON"),
        ({**IDS, "patch_document": ["{}", "[1]"]}, "patch_document", 1, "no object"),
        ({**IDS, "patch_document": ["{}", '{}, "x"']}, "patch_document", 1, "no JSON"),
        ({**IDS, "patch_document": [{}, 5]}, "patch_document", 1, "neither"),
        ({**IDS, "patch_document": [{}, {"a": pd.Timestamp(0)}]}, "patch_document", 1, "no form"),
        ({**IDS, f"{METADATA}.t": pd.to_datetime([0, 1])}, "patch_document", 0, "no form"),
        ({**IDS, "patch_document": [{}, {"a": "x" * 10**6}]}, "patch_document", 1, "characters"),
        ({**IDS, "patch_document": [{}, {"a": DEEP}]}, "patch_document", 1, "levels"),
    ],
    ids=range(15),
)
def test_what_is_wrong_is_named_and_nothing_is_sent(
    *,
    client: SpansClient,
    project: str,
    columns: dict[str, Any],
    column: str,
    row: int | None,
    word: str,
) -> None:
    with pytest.raises(ValidationError, match=word) as caught:
        client.update_metadata(project=project, dataframe=pd.DataFrame(columns))
    assert (caught.value.column, caught.value.row_index) == (column, row)
    assert metadata(client, project) == [None] * 4


def test_ten_levels_are_not_too_deep(client: SpansClient, project: str) -> None:
    patches: list[Any] = [{"a": DEEP[0]}, {"text": "[{" * 50}]
    frame = pd.DataFrame({**IDS, "patch_document": patches})
    assert client.update_metadata(project=project, dataframe=frame).spans_updated == 2


def test_an_empty_frame_is_refused(client: SpansClient, project: str) -> None:
    empty = pa.table({"context.span_id": [], f"{METADATA}.a": []})
    with pytest.raises(ValidationError, match="no row"):
        client.update_metadata(project=project, dataframe=empty)


def test_the_row_of_a_problem_counts_all_batches(client: SpansClient, project: str) -> None:
    patches = ["{}"] * 90_000
    patches[85_000] = "{"
    rows = pa.table({"context.span_id": [span(0)] * len(patches), "patch_document": patches})
    with pytest.raises(ValidationError) as caught:
        client.update_metadata(project=project, dataframe=rows)
    assert caught.value.row_index == 85_000


def test_unchecked_the_service_judges(client: SpansClient, project: str) -> None:
    rows = pa.table({**IDS, "patch_document": ['{"a": 1}', "{"]})
    answer = client.update_metadata(project=project, dataframe=rows, validate=False)
    assert (answer.spans_updated, answer.spans_failed) == (1, 1)
    assert answer.errors[0]["error_message"].startswith("parse_failure")


def test_an_unknown_project_names_near_ones(client: SpansClient, project: str) -> None:
    rows = pa.table({**IDS, f"{METADATA}.a": [1, 2]})
    with pytest.raises(UnknownProjectError, match=project):
        client.update_metadata(project_name=project[:-1], dataframe=rows)


class Service(fl.FlightServerBase):  # type: ignore[misc]  # pyarrow is untyped
    """Answers a write-back with some bytes."""

    def __init__(self, answer: bytes) -> None:
        super().__init__("grpc+tcp://127.0.0.1:0")
        self._answer = answer

    def do_put(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> None:
        reader.read_all()
        writer.write(self._answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"", (0, 0, 0, [])),
        (MetadataResult(2, 1, 1, (("a", "why"),)).to_bytes(), (2, 1, 1, ["why"])),
    ],
)
def test_absent_counts_are_zero(answer: bytes, expected: tuple[Any, ...]) -> None:
    with Service(answer) as service, client_of(service) as client:
        rows = pa.table({**IDS, f"{METADATA}.a": [1, 2]})
        got = client.update_metadata(project="p", dataframe=rows)
    reasons = [error["error_message"] for error in got.errors]
    assert (got.spans_processed, got.spans_updated, got.spans_failed, reasons) == expected


def test_an_answer_that_cannot_be_read_is_no_success() -> None:
    with Service(b"\xff\xff") as service, client_of(service) as client:
        rows = pa.table({**IDS, f"{METADATA}.a": [1, 2]})
        with pytest.raises(OutcomeUnknownError, match="cannot be read"):
            client.update_metadata(project="p", dataframe=rows)


def client_of(service: Service) -> SpansClient:
    return SpansClient(
        api_key="ak-1",
        space="U3BhY2U6MTphYmNk",
        flight_host="127.0.0.1",
        flight_port=service.port,
        flight_scheme="grpc+tcp",
    )
