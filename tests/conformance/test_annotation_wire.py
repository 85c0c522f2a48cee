"""The same annotations, sent by the vendor's SDK and by ours: the same call but for who sends it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.flight as fl  # noqa: TID251 - a server that records
import pytest
from arize import ArizeClient

from spanduck import SpansClient

if TYPE_CHECKING:
    from collections.abc import Iterator

SPACE = "U3BhY2U6MTphYmNk"


class Recorder(fl.FlightServerBase):  # type: ignore[misc]  # pyarrow is untyped
    """Keeps the last put."""

    def __init__(self) -> None:
        super().__init__("grpc+tcp://127.0.0.1:0")
        self.command: dict[str, Any] = {}
        self.table: pa.Table | None = None
        self.batches: list[int] = []

    def do_put(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> None:
        self.command = json.loads(descriptor.command)
        chunks = [chunk.data for chunk in reader]
        self.batches = [chunk.num_rows for chunk in chunks]
        self.table = pa.Table.from_batches(chunks, reader.schema)
        writer.write(b"")


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as made:
        yield made


def sent(recorder: Recorder, frame: pd.DataFrame) -> tuple[pa.Table, pa.Table]:
    """Return what the vendor's SDK sent, and what ours did."""
    address: dict[str, Any] = {
        "api_key": "ak-1",
        "flight_host": "localhost",
        "flight_port": recorder.port,
        "flight_scheme": "grpc+tcp",
    }
    tables, commands, batches = [], [], []
    vendor = ArizeClient(**address)
    with SpansClient(**address) as ours:
        for spans in (vendor.spans, ours):
            spans.update_annotations(space_id=SPACE, project_name="my-llm-app", dataframe=frame)
            assert recorder.table is not None
            tables.append(recorder.table)
            commands.append(recorder.command)
            batches.append(recorder.batches)
    assert commands[1] == commands[0]
    assert sum(batches[1]) == sum(batches[0])
    assert max(batches[1]) <= 10_000
    theirs, mine = tables
    assert mine.schema.metadata[b"arize-schema"] == theirs.schema.metadata[b"arize-schema"]
    return theirs, mine


def test_an_update_is_the_same_on_the_wire(recorder: Recorder) -> None:
    frame = pd.DataFrame(
        {
            "context.span_id": [f"span-{number:010}" for number in range(25_000)],
            "annotation.Quality.label": ["good", None] * 12_500,
            "annotation.Quality.score": [1.0, 0.5] * 12_500,
            "annotation.Quality.text": [None, 'naïve "x"'] * 12_500,
            "annotation.other_1.score": [None, 2.5] * 12_500,
            "annotation.other_1.updated_by": ["me", None] * 12_500,
            "annotation.notes": ["naïve 🦆 \"q\" 'a' \\ \n\t/", None] * 12_500,
            "attributes.llm.model_name": ["gpt"] * 25_000,
        }
    )
    theirs, mine = sent(recorder, frame)
    assert sorted(mine.column_names) == sorted(theirs.column_names)
    for name in theirs.column_names:
        assert mine.schema.field(name).type == theirs.schema.field(name).type, name
        left, right = theirs[name].to_pylist(), mine[name].to_pylist()
        if name.endswith(".updated_at"):
            assert len(set(right)) == len(set(left)) == 1
            assert abs(right[0] - left[0]) < 60_000
        elif name == "annotation.notes":
            assert [_timeless(note) for note in right[:4]] == [_timeless(note) for note in left[:4]]
        else:
            assert right == left, name


def _timeless(notes: list[str] | None) -> tuple[str, set[str]] | None:
    if notes is None:
        return None
    (note,) = notes
    head, separator, tail = note.rpartition('"updated_at": ')
    assert tail[-1] == "}"
    assert tail[:-1].isdigit()
    return head + separator, set(json.loads(note))
