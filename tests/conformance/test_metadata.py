"""Metadata that is written back is what the next export shows, through every client."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.flight as fl  # noqa: TID251 - records what both clients send
import pytest
from arize import ArizeClient

from spanduck import SpansClient
from spanduck._wire import MetadataResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conformance.conftest import Client

    MakeSpans = Callable[..., pd.DataFrame]

SPACE = "U3BhY2U6MTphYmNk"
UNICODE = "naïve 東京 🦆"


def span_ids(*numbers: int) -> list[str]:
    return [f"span-{number:010}" for number in numbers]


@pytest.fixture
def logged(client: Client, make_spans: MakeSpans) -> Client:
    """A client whose project holds four spans, the first with metadata."""
    given = [{"kept": 1, "old": "x"}, None, None, None]
    client.log(make_spans(4, **{"attributes.metadata": given}))
    return client


def update(client: Client, rows: pd.DataFrame, **options: Any) -> tuple[int, int, dict[str, str]]:
    """Return how many rows were applied, how many failed, and why, by span."""
    answer = client.spans.update_metadata(
        space_id=client.space, project_name=client.project, dataframe=rows, **options
    )
    errors = {error["span_id"]: error["error_message"] for error in answer.get("errors", [])}
    # The vendor's counts are text, and absent when zero.
    counts = [int(answer.get(name, "0")) for name in ("spans_updated", "spans_failed")]
    assert int(answer["spans_processed"]) == sum(counts) == len(rows)
    return counts[0], counts[1], errors


def metadata(client: Client) -> list[Any]:
    rows = sorted(client.rows_by_id().items())
    texts = [row.get("attributes.metadata") for _, row in rows]
    return [None if text is None else json.loads(text) for text in texts]


def test_field_columns_set_keys(logged: Client) -> None:
    rows = pd.DataFrame(
        {
            "context.span_id": span_ids(0, 2),
            "attributes.metadata.customer_id": ["cust-456", "cust-789"],
            "attributes.metadata.region": ["us-west", UNICODE],
            "attributes.metadata.a.b": [1, 2],
        }
    )
    assert update(logged, rows) == (2, 0, {})
    assert metadata(logged) == [
        {"kept": 1, "old": "x", "customer_id": "cust-456", "region": "us-west", "a.b": 1},
        None,
        {"customer_id": "cust-789", "region": UNICODE, "a.b": 2},
        None,
    ]


@pytest.mark.parametrize("form", ["dictionary", "text"])
def test_patch_documents_set_keys(logged: Client, form: str) -> None:
    patches: list[Any] = [{"tag": "important", "old": None}, {"other": [1, {"a": 2}]}]
    if form == "text":
        patches = [json.dumps(patch) for patch in patches]
    rows = pd.DataFrame({"context.span_id": span_ids(0, 1), "patch_document": patches})
    assert update(logged, rows) == (2, 0, {})
    assert metadata(logged)[:2] == [
        {"kept": 1, "old": None, "tag": "important"},
        {"other": '[1,{"a":2}]'},
    ]


def test_a_patch_wins_over_field_columns_key_by_key(logged: Client) -> None:
    rows = pd.DataFrame(
        {
            "context.span_id": span_ids(1, 2),
            "attributes.metadata.tag": ["field", "field"],
            "attributes.metadata.only": ["f", "g"],
            "my_patch_col": [{"tag": "patch", "priority": "high"}, None],
        }
    )
    assert update(logged, rows, patch_document_column_name="my_patch_col") == (2, 0, {})
    assert metadata(logged)[1:3] == [
        {"tag": "patch", "only": "f", "priority": "high"},
        {"tag": "field", "only": "g"},
    ]


def test_every_type_is_stored_as_documented(logged: Client) -> None:
    values = {
        "text": UNICODE,
        "integer": 7,
        "double": 0.125,
        "yes": True,
        "no": False,
        "nothing": None,
        "list": ["a", 1],
        "dict": {"x": {"y": 1}},
    }
    expected = {
        **values,
        "yes": "True",
        "no": "False",
        "list": '["a",1]',
        "dict": '{"x":{"y":1}}',
    }
    by_patch = pd.DataFrame({"context.span_id": span_ids(1), "patch_document": [values]})
    assert update(logged, by_patch) == (1, 0, {})
    # An all-missing column is refused by both, so another row has a value.
    columns = {f"attributes.metadata.{name}": [value, "v"] for name, value in values.items()}
    by_field = pd.DataFrame({"context.span_id": span_ids(2, 3), **columns}, dtype=object)
    assert update(logged, by_field) == (2, 0, {})
    assert metadata(logged)[1:3] == [expected, expected]


def test_a_missing_number_becomes_null(logged: Client) -> None:
    rows = pd.DataFrame({"context.span_id": span_ids(1, 2), "attributes.metadata.n": [1.5, None]})
    update(logged, rows)
    assert metadata(logged)[1:3] == [{"n": 1.5}, {"n": None}]


def test_unknown_ids_are_named_and_the_rest_is_written(logged: Client) -> None:
    ids = [*span_ids(1), "no-such-span-é", *span_ids(2)]
    rows = pd.DataFrame({"context.span_id": ids, "attributes.metadata.n": [1, 2, 3]})
    updated, failed, errors = update(logged, rows)
    assert (updated, failed, set(errors)) == (2, 1, {"no-such-span-é"})
    assert errors["no-such-span-é"].startswith("segment_not_found")
    assert metadata(logged)[1:3] == [{"n": 1}, {"n": 3}]


def test_what_is_written_can_be_filtered_at_once(logged: Client) -> None:
    rows = pd.DataFrame({"context.span_id": span_ids(1, 3), "attributes.metadata.tag": ["a", "b"]})
    update(logged, rows)
    assert sorted(logged.rows_by_id(where="attributes.metadata.tag = 'b'")) == span_ids(3)


@pytest.mark.parametrize(
    "columns",
    [
        {"context.span_id": ["a"]},
        {"attributes.metadata.a": ["x"]},
        {"context.span_id": [], "attributes.metadata.a": []},
        {"context.span_id": [" "], "attributes.metadata.a": ["x"]},
        {"context.span_id": [None], "attributes.metadata.a": ["x"]},
        {"context.span_id": ["a", "b"], "attributes.metadata.a": [None, None]},
        {"context.span_id": ["a"], "patch_document": ["[1]"]},
        {"context.span_id": ["a"], "patch_document": ["{"]},
        {"context.span_id": ["a"], "patch_document": [{"at": pd.Timestamp("2026-01-01")}]},
        {"context.span_id": ["a"], "attributes.metadata.a": [pd.Timestamp("2026-01-01")]},
        {"context.span_id": ["a"], "patch_document": [{"a": "x" * 1_000_001}]},
        {"context.span_id": ["a"], "patch_document": [{"a": [[[[[[[[[1]]]]]]]]]}]},
    ],
    ids=range(12),
)
def test_what_both_refuse_is_not_sent(logged: Client, columns: dict[str, Any]) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - each client has its own
        update(logged, pd.DataFrame(columns))
    assert metadata(logged)[1:] == [None, None, None]


class Recorder(fl.FlightServerBase):  # type: ignore[misc]  # pyarrow is untyped
    """Keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__("grpc+tcp://127.0.0.1:0")
        self.calls: list[tuple[bytes, pa.Schema, list[pa.RecordBatch]]] = []

    def do_put(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> None:
        batches = [chunk.data for chunk in reader]
        self.calls.append((descriptor.command, reader.schema, batches))
        writer.write(MetadataResult(1, 1).to_bytes())


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as made:
        yield made


def mixed(count: int) -> list[dict[str, Any]]:
    random.seed(5)
    values = [UNICODE, 5, -0.1, True, None, [1, "a", None], {"x": {"y": [True]}}, "", 1e300]
    return [
        {f"key {random.randrange(9)}": random.choice(values) for _ in range(4)}
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    "rows",
    [
        {"attributes.metadata.a": ["x", UNICODE, None], "attributes.metadata.b.c": [1, 2, 3]},
        {"attributes.metadata.n": [1.5, 2.0, -1e300], "attributes.metadata.f": [True, False, True]},
        {"attributes.metadata.o": [[1, 2], {"a": None}, "x"]},
        {"patch_document": mixed(3)},
        {"patch_document": [json.dumps(patch) for patch in mixed(3)]},
        {"patch_document": [*mixed(2), json.dumps(mixed(1)[0])]},
        {"attributes.metadata.a": ["x", "y", "z"], "patch_document": [{"a": 1}, '{"b": 2}', None]},
    ],
    ids=range(7),
)
def test_both_clients_send_the_same(recorder: Recorder, rows: dict[str, list[Any]]) -> None:
    frame = pd.DataFrame({"context.span_id": ["a", "b", "c"], "name": ["n"] * 3, **rows})
    address: dict[str, Any] = {
        "api_key": "ak-1",
        "flight_host": "127.0.0.1",
        "flight_port": recorder.port,
        "flight_scheme": "grpc+tcp",
    }
    vendor = ArizeClient(**address)
    arguments: dict[str, Any] = {
        "space_id": SPACE,
        "project_name": "my-llm-app",
        "dataframe": frame,
    }
    vendor.spans.update_metadata(**arguments)
    with SpansClient(**address) as ours:
        ours.update_metadata(**arguments)
    (their_command, their_schema, theirs), (our_command, our_schema, mine) = recorder.calls
    assert our_command == their_command
    # In any order: the vendor's changes from process to process.
    assert {field.name: field.type for field in our_schema} == {
        field.name: field.type for field in their_schema
    }
    assert our_schema.metadata[b"arize-schema"] == their_schema.metadata[b"arize-schema"]
    assert pa.Table.from_batches(mine).to_pydict() == pa.Table.from_batches(theirs).to_pydict()


def test_batches_are_cut_where_the_vendor_cuts_them(recorder: Recorder) -> None:
    frame = pd.DataFrame(
        {
            "context.span_id": [f"s{n}" for n in range(95_001)],
            "attributes.metadata.n": range(95_001),
        }
    )
    address: dict[str, Any] = {
        "api_key": "ak-1",
        "flight_host": "127.0.0.1",
        "flight_port": recorder.port,
        "flight_scheme": "grpc+tcp",
    }
    arguments: dict[str, Any] = {
        "space_id": SPACE,
        "project_name": "my-llm-app",
        "dataframe": frame,
    }
    ArizeClient(**address).spans.update_metadata(**arguments)
    with SpansClient(**address) as ours:
        ours.update_metadata(**arguments)
    sizes = [[len(batch) for batch in batches] for _, _, batches in recorder.calls]
    assert sizes[1] == sizes[0]
